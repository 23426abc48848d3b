#!/bin/sh
# Answers calls of clients, always alike: for trying out. NATS_URL says where NATS is.
set -e

nats reply sluice.call.orders.get '{"id":7,"state":"shipped"}' --queue orders
