"""Changes become orders: in the dialect of the client, and valid before they leave."""
