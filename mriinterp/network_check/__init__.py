"""What can be explained of a network: every method tried on a scan, and how the network behaves."""

from mriinterp.network_check.check import check_network
from mriinterp.network_check.check_report import MethodCheck, NetworkCheck
from mriinterp.network_check.opening import card_path, open_network

__all__ = ["MethodCheck", "NetworkCheck", "card_path", "check_network", "open_network"]
