"""The method: kinds of images, filters, attacks."""
