"""The page that ``spoonbill browse`` shows: JSON from the server, and a page that builds every element by itself."""
