"""One class for each real program that the end-to-end tests run Everleaf against."""

from env.balancer import Balancer
from env.challtestsrv import ChallTestSrv
from env.everleaf import Everleaf, Result, made
from env.nginx import Nginx
from env.pebble import Pebble
from env.proxy import FaultProxy, ForwardProxy
from env.serve import Serve, TlsServe
from env.tls import Lab

__all__ = ["Balancer", "ChallTestSrv", "Everleaf", "FaultProxy", "ForwardProxy", "Lab", "Nginx", "Pebble", "Result", "Serve", "made"]
