"""What joins the rooms: from a hint to a row, and from a stale row to a fresh one."""
