"""What `glimpse doctor` looks at: small checks, each of which says what it found and what would mend it."""
