"""How a process of the fleet begins and ends without losing a request; gunicorn.conf.py puts it together."""
