"""What every room shares: errors, values that travel, ports, and what one delivery may take."""
