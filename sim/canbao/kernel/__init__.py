"""What is compiled: plain functions over arrays, of which the compiled engine is made.

Nothing here knows of scenarios, plans or errors with names; numbers go in and numbers come out. `opening` and `forms`
need no compiler: calendars and distributions use the same functions and words in plain Python.
"""
