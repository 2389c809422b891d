"""What the commands do once their options are known: experiments/NAME.py holds the options."""
