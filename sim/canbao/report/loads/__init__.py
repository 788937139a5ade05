"""What a report says of a load test besides what it says of every run: the part `load` of a summary.

Whatever has no such part gives nothing here.
"""
