"""The same trade in SimPy, bare: twelve waits and six messages through a broker for each order.

No services, no databases, no telemetry: what a discrete-event simulation costs before it simulates anything. `cargo xtask bench`
runs it beside Loupe. Usage: simpy_order_model.py ORDERS
"""

import random
import sys
import time

import simpy

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# What an order waits for, on average, in milliseconds; a message goes out after each other wait.
WAITS = [
    3 * MINUTE, 10 * MINUTE, SECOND, 150 * SECOND, 10 * MINUTE, 2 * HOUR,
    4 * DAY, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY,
]
GAP = 2 * MINUTE


def order(env, number, broker):
    draw = random.Random(number)
    for stage, mean in enumerate(WAITS):
        yield env.timeout(mean // 2 + int(draw.random() * mean))
        if stage % 2 == 0:
            done = env.event()
            broker.put((stage // 2, done))
            yield done


def route(broker, queues):
    while True:
        message = yield broker.get()
        queues[message[0]].put(message)


def consume(queue):
    while True:
        _, done = yield queue.get()
        done.succeed()


def arrive(env, orders, broker):
    for number in range(orders):
        env.process(order(env, number, broker))
        yield env.timeout(GAP)


def main():
    orders = int(sys.argv[1])
    env = simpy.Environment()
    broker = simpy.Store(env)
    queues = [simpy.Store(env) for _ in range(len(WAITS) // 2)]
    env.process(route(broker, queues))
    for queue in queues:
        env.process(consume(queue))
    env.process(arrive(env, orders, broker))
    began = time.perf_counter()
    env.run()
    seconds = time.perf_counter() - began
    print(f"orders/s={orders / seconds:.0f}")


main()
