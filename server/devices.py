"""A patient's computer: paired once by a short code, then let in by its token, until that is revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from sqlalchemy import Connection

from server.problems import Problem
from server.sockets import Sockets
from server.store import Store, keys, people, trail
from server.store.keys import Device
from server.store.people import Person
from server.throttle import Throttle
from server.times import iso

PAIRING_S = 600
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that looks like something else
CODE = 8  # of them: 40 bits, for ten minutes and ten tries
REMEMBERED = 10_000  # devices; no source


def hash_of(secret: str) -> str:
    """What is stored of 256 random bits, or for ten minutes of 40."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Devices:
    def __init__(self, store: Store, throttle: Throttle, sockets: Sockets, clock: Callable[[], float]) -> None:
        self._store, self._throttle, self._sockets, self._clock = store, throttle, sockets, clock
        self._known: dict[str, tuple[Device, Person]] = {}  # by hash

    async def offer(self, patient: Person, entry: trail.Entry) -> str:
        """A short code, good once and for ten minutes."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE))

        def job(connection: Connection) -> None:
            keys.offer_pairing(connection, hash_of(code), patient.number, iso(self._clock() + PAIRING_S))
            trail.note(connection, entry)

        await self._store.write(job)
        return f"{code[:4]}-{code[4:]}"

    async def pair(self, code: str, name: str, address: str) -> tuple[Device, str]:
        """The device and its token, which is said this once."""
        self._throttle.spend("pairing", address=address)
        plain = code.upper().replace("-", "").replace(" ", "").translate(str.maketrans("OIL", "011"))
        token, at = secrets.token_urlsafe(32), iso(self._clock())

        def job(connection: Connection) -> Device | None:
            patient = keys.spend_pairing(connection, hash_of(plain), at)
            if patient is None:
                return None
            device = keys.add_device(connection, hash_of(token), patient.number, name, at)
            clinic = people.clinic(connection, patient.clinic)
            trail.note(connection, trail.Entry(at, clinic.id, patient.id, device.id, "paired", patient.id, device.id))
            return device

        device = await self._store.write(job)
        if device is None:
            raise Problem(404, "this code does not work (wanted one made in the last ten minutes and not used)", "body.code")
        return device, token

    async def known(self, token: str) -> tuple[Device, Person] | None:
        """Of a token that is not revoked. Remembered, because every frame of packets asks; with a second process
        that one would have to be told of a revocation."""
        known, hash = self._known, hash_of(token)
        if hash not in known:
            found = await self._store.fetch(keys.device, hash)
            if found is None:
                return None
            if len(known) >= REMEMBERED:
                known.clear()
            known[hash] = found  # in what was known before we looked: a revocation meanwhile has put it away
            return found
        return known[hash]

    async def revoke(self, patient: Person, device_id: str, entry: trail.Entry) -> bool:
        """What it has open is closed at once."""

        def job(connection: Connection) -> bool:
            if keys.revoke(connection, patient.number, device_id, entry.at) is None:
                return False
            trail.note(connection, entry)
            return True

        done = await self._store.write(job)
        self.forget()
        self._sockets.look_again(patient.number)
        return done

    def forget(self) -> None:
        self._known = {}
