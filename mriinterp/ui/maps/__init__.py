"""One relevance map on any page: its method, target, place, signs, picture and badge."""
