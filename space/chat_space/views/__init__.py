"""What the tabs show and do: each view asks the API as the caller and renders the answer."""
