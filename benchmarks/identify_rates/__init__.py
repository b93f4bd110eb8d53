"""How often ``tare identify`` finds the normalisation that small networks were trained with."""
