"""nats-py against a running server: `python check.py nats://127.0.0.1:4222`. Prints one line a fact; exit status 1 on the first that fails."""
import asyncio
import sys

import nats
from nats.errors import NoRespondersError, TimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, StorageType, StreamConfig


async def core(nc):
    received = []
    sub = await nc.subscribe("py.core.*")
    full = await nc.subscribe("py.>")
    await nc.publish("py.core.a", b"one", headers={"K": "v"})
    await nc.flush()
    message = await sub.next_msg(timeout=2)
    assert message.data == b"one" and message.headers == {"K": "v"}, message
    assert (await full.next_msg(timeout=2)).subject == "py.core.a"
    print("publish, wildcards, headers")

    counts = [0, 0]

    def worker(index):
        async def handle(message):
            counts[index] += 1
            received.append(message.data)

        return handle

    await nc.subscribe("py.queue", queue="q", cb=worker(0))
    await nc.subscribe("py.queue", queue="q", cb=worker(1))
    for i in range(200):
        await nc.publish("py.queue", str(i).encode())
    await nc.flush()
    await asyncio.sleep(0.2)
    assert sum(counts) == 200 and min(counts) > 0, counts
    print("queue groups")

    async def respond(message):
        await message.respond(message.data.upper())

    await nc.subscribe("py.service", cb=respond)
    assert (await nc.request("py.service", b"hello", timeout=2)).data == b"HELLO"
    try:
        await nc.request("nobody.py", b"", timeout=2)
        raise AssertionError("a request without responder was answered")
    except NoRespondersError:
        pass
    print("request, no responders")


async def jetstream(nc):
    js = nc.jetstream()
    await js.add_stream(StreamConfig(name="PY", subjects=["py-js.>"], storage=StorageType.FILE))
    for i in range(100):
        ack = await js.publish("py-js.a", str(i).encode(), headers={"Nats-Msg-Id": f"id-{i}"})
        assert ack.seq == i + 1 and ack.stream == "PY"
    duplicate = await js.publish("py-js.a", b"again", headers={"Nats-Msg-Id": "id-5"})
    assert duplicate.duplicate and duplicate.seq == 6, duplicate
    print("publish with acknowledgement, duplicates")

    sub = await js.pull_subscribe("py-js.>", durable="py-worker", config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=1.0, max_deliver=3))
    messages = await sub.fetch(10, timeout=2)
    assert [int(m.data) for m in messages] == list(range(10))
    for message in messages[:7]:
        await message.ack_sync()
    await messages[7].nak()
    await messages[8].term()
    await messages[9].in_progress()
    await nc.flush()
    await asyncio.sleep(0.2)  # acknowledgements without a reply may be worked off after a pull
    again = await sub.fetch(1, timeout=2)
    assert again[0].data == b"7" and again[0].metadata.num_delivered == 2, again[0].metadata
    await again[0].ack_sync()
    await asyncio.sleep(1.3)
    again = await sub.fetch(1, timeout=2)
    assert again[0].data == b"9" and again[0].metadata.num_delivered == 2, again[0].data
    await again[0].ack_sync()
    info = await js.consumer_info("PY", "py-worker")
    assert info.num_pending == 90 and info.num_ack_pending == 0 and info.ack_floor.stream_seq == 10, info
    print("pull, ack, nak, term, in progress, redelivery")

    while True:
        try:
            for message in await sub.fetch(25, timeout=1):
                await message.ack_sync()
        except TimeoutError:
            break
    info = await js.consumer_info("PY", "py-worker")
    assert info.num_pending == 0 and info.ack_floor.stream_seq == 100, info
    state = (await js.stream_info("PY")).state
    assert state.messages == 100 and state.last_seq == 100, state
    message = await js.get_msg("PY", 6)
    assert message.data == b"5"
    await js.purge_stream("PY")
    assert (await js.stream_info("PY")).state.messages == 0
    await js.delete_stream("PY")
    print("infos, message get, purge, delete")

    kv = await js.create_key_value(bucket="PYKV", history=5)
    revision = await kv.put("a", b"1")
    await kv.update("a", b"2", last=revision)
    assert (await kv.get("a")).value == b"2"
    await kv.delete("a")
    await js.delete_key_value("PYKV")
    print("key-value bucket")


async def main():
    nc = await nats.connect(sys.argv[1])
    await core(nc)
    await jetstream(nc)
    await nc.close()


asyncio.run(main())
