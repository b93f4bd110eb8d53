"""How a network is built otherwise than its library builds it."""
