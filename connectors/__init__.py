"""Every byte that enters or leaves a customer system passes through here; nothing here decides."""
