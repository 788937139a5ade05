"""The built-in plugins, one module or package each, registered exactly as an outsider's would be."""
