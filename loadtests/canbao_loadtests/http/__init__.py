"""HTTP for a load test: a browser for each family, on connections of gevent, with nothing but loopback by default."""
