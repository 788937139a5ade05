"""Payment: how families pay the fee, what goes wrong with it, and what is returned.

- `settings`: `Payment`, what a scenario file says.
- `methods`: the ways to pay: online bank, Alipay, WeChat Pay, bank counter, transfer.
- `rates`: who pays how and whose debit fails, for each family.
- `journey`: the steps.
"""

from __future__ import annotations

from canbao_plugins.payment.methods import Alipay, BankCounter, OnlineBank, Transfer, WeChatPay
from canbao_plugins.payment.settings import Payment

__all__ = ["Alipay", "BankCounter", "OnlineBank", "Payment", "Transfer", "WeChatPay"]
