"""Who a person is: shape of the head, painted skin, what the muscles move."""
