"""What operators see of the functions: a log line a request, metrics, traces passed on.

`current` collects while a request runs and knows of no log; `functions` tells it at the end.
Without a handler that has begun an observation nothing is told: the use cases alone stay silent.
"""
