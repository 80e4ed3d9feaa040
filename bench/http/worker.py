"""Does what worker.ts does with a Python library: reads one work per line and writes its cost."""

import asyncio
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CONNECTIONS = 64
PATTERN = b"holdfast's bench: sixteen bytes, and sixteen bytes, and sixteen."


def check(status, body, expected, verify):
    if status != 200 or len(body) != len(expected) or (verify and body != expected):
        raise ValueError(f"Expected 200 and {len(expected)} known bytes, got {status} and {len(body)} bytes")


class Counter:
    def __init__(self, work):
        self.started = 0
        self.work = work
        self.end = time.perf_counter() + work["seconds"]
        size = work["bytes"]
        self.expected = (PATTERN * (size // len(PATTERN) + 1))[:size]

    def next(self):
        """Returns a different URL for every request, and None when the work is done."""
        if self.started >= self.work["requests"] or time.perf_counter() >= self.end:
            return None
        self.started += 1
        return f"{self.work['url']}?{self.started}"


def with_requests(retrying):
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    session = requests.Session()
    retry = Retry(total=20, status_forcelist=[500, 502, 503, 504], backoff_factor=0 if retrying else 1)
    session.mount("http://", HTTPAdapter(max_retries=retry, pool_maxsize=CONNECTIONS))
    threads = ThreadPoolExecutor(CONNECTIONS)

    def client(counter):
        work = counter.work
        while url := counter.next():
            response = session.get(url, timeout=(5, 30))
            check(response.status_code, response.content, counter.expected, work["verify"])

    def perform(counter):
        concurrency = counter.work["concurrency"]
        if concurrency == 1:
            return client(counter)
        for future in [threads.submit(client, counter) for _ in range(concurrency)]:
            future.result()

    return perform


def with_aiohttp(_retrying):
    import aiohttp

    loop = asyncio.new_event_loop()

    async def open_session():
        timeout = aiohttp.ClientTimeout(total=120, connect=5, sock_read=30)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=timeout)

    session = loop.run_until_complete(open_session())

    async def client(counter):
        work = counter.work
        while url := counter.next():
            async with session.get(url) as response:
                check(response.status, await response.read(), counter.expected, work["verify"])

    async def clients(counter):
        await asyncio.gather(*(client(counter) for _ in range(counter.work["concurrency"])))

    return lambda counter: loop.run_until_complete(clients(counter))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(race, name):
    make = {"requests": with_requests, "aiohttp": with_aiohttp}[name]
    perform = make(race == "retrying")
    for line in sys.stdin:
        counter = Counter(json.loads(line))
        before, started = cpu(), time.perf_counter()
        perform(counter)
        cost = {
            "requests": counter.started,
            "wallMs": (time.perf_counter() - started) * 1000,
            "cpuMs": (cpu() - before) * 1000,
        }
        print(json.dumps(cost), flush=True)


main(*sys.argv[1:3])
