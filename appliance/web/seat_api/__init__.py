"""What seat agents call: a workstation joins, and reports. Machines' paths: a signed token, no cookie, no form."""
