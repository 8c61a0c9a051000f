"""Logging in and out, second factor, invitations. Of HTTP it knows the errors only."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import available_timezones

from sqlalchemy import Connection

from server import passwords, totp
from server.devices import Devices, hash_of
from server.language import N_
from server.passwords import Passwords
from server.problems import Problem
from server.sockets import Sockets
from server.store import Store, keys, people, trail
from server.store.keys import Login
from server.store.people import Clinic, Person
from server.throttle import Throttle
from server.times import epoch, iso

# NIST SP 800-63B-4: with a second factor (AAL2) at most 24 h and 1 h without doing anything; without (AAL1) 30 days.
IDLE_S = {"staff": 3600, "patient": 7 * 86400}
ABSOLUTE_S = {"staff": 12 * 3600, "patient": 30 * 86400}
HALF_S = 600  # from the password to the second factor
SEEN_S = 60  # how exactly it is known when a login was last used
INVITED_S = 7 * 86400
WRONG = N_("the e-mail address or the password is not right")
WORTHLESS = N_("this link does not work: it was used, has expired, or a newer one was made")


@dataclass(frozen=True, slots=True)
class Entrance:
    """A login as it stands now; `until` (s since 1970) it holds if nothing more is done."""

    login: Login
    person: Person
    clinic: Clinic
    until: float

    def entry(self, at: str, action: str, subject: str | None = None, object: str | None = None) -> trail.Entry:
        """A row of the audit trail: this person did it."""
        return trail.Entry(at, self.clinic.id, self.person.id, None, action, subject, object)


class Accounts:
    """Secrets go out once, when they are made. clock: s since 1970."""

    def __init__(self, store: Store, passwords: Passwords, clock: Callable[[], float]) -> None:
        self.sockets, self.throttle = Sockets(), Throttle()
        self.devices = Devices(store, self.throttle, self.sockets, clock)
        self._store, self._passwords, self.clock = store, passwords, clock

    def now(self) -> str:
        return iso(self.clock())

    # Logging in

    async def _begin(self, person: Person) -> str:
        """Staff go on with the second factor, or with setting one up."""
        secret, at = secrets.token_urlsafe(32), self.now()
        staff = person.role == "staff"
        pending = totp.new_key() if staff and person.totp is None else None

        def job(connection: Connection) -> None:
            keys.forget_logins(connection, iso(self.clock() - max(ABSOLUTE_S.values())))
            keys.log_in(connection, hash_of(secret), person.number, "password" if staff else "full", pending, at)
            if not staff:
                clinic = people.clinic(connection, person.clinic)
                trail.note(connection, trail.Entry(at, clinic.id, person.id, None, "logged in"))

        await self._store.write(job)
        return secret

    async def log_in(self, email: str, password: str, address: str) -> str:
        """A new login's secret. Says the same of who is unknown, disabled, or has no password yet."""
        account = plain(email)
        self.throttle.spend("login", account=account, address=address)
        person = await self._store.fetch(people.by_email, account)
        right = await self._passwords.verify(password, person and person.password)
        if not right or person.disabled_at:
            raise Problem(401, WRONG)
        self.throttle.forgive("login", account=account, address=address)
        return await self._begin(person)

    async def second_factor(self, entrance: Entrance, given: str) -> str:
        """The secret of a full login instead of the half one."""
        login, person = entrance.login, entrance.person
        self.throttle.spend("second factor", account=person.id)
        key = login.pending or person.totp
        step = totp.step_of(key, given, self.clock())
        secret, at = secrets.token_urlsafe(32), self.now()

        def job(connection: Connection) -> bool:
            if step is None or not people.spend_step(connection, person.number, step):
                return False
            if login.pending:
                people.change(connection, person.number, totp=key)
            keys.log_out(connection, login.number)
            keys.log_in(connection, hash_of(secret), person.number, "full", None, at)
            trail.note(connection, entrance.entry(at, "logged in"))
            return True

        if not await self._store.write(job):
            raise Problem(401, "this code is not right, or was used already", "code")
        self.throttle.forgive("second factor", account=person.id)
        return secret

    async def entrance(self, secret: str) -> Entrance | None:
        """Of a login that holds now, and counts as used."""
        found = await self._store.fetch(keys.login, hash_of(secret))
        if found is None:
            return None
        login, person, clinic = found
        until = _until(login, person)
        now = self.clock()
        if now >= until:
            await self._store.write(keys.log_out, login.number)
            return None
        if now - epoch(login.seen_at) >= SEEN_S:
            await self._store.write(keys.seen, login.number, iso(now))
        return Entrance(login, person, clinic, until)

    async def log_out(self, entrance: Entrance, everywhere: bool = False) -> None:
        def job(connection: Connection) -> None:
            if everywhere:
                keys.log_out_everywhere(connection, entrance.person.number)
            keys.log_out(connection, entrance.login.number)
            trail.note(connection, entrance.entry(self.now(), "logged out everywhere" if everywhere else "logged out"))

        await self._store.write(job)
        self.sockets.look_again(entrance.person.number)

    # Invitations

    async def invite_clinic(self) -> str:
        """The secret of a link that makes a clinic and its first admin."""
        secret = secrets.token_urlsafe(32)
        await self._store.write(keys.invite, hash_of(secret), None, iso(self.clock() + INVITED_S))
        return secret

    async def invite_again(self, email: str) -> str:
        """From the terminal, for somebody whom nobody else can let in."""
        return await self.invite(None, await self._store.fetch(people.by_email, plain(email)))

    async def invite(self, by: Entrance | None, person: Person) -> str:
        """The secret of a link to choose a password with, first or anew. by None: the terminal."""
        secret, at = secrets.token_urlsafe(32), self.now()

        def job(connection: Connection) -> None:
            keys.invite(connection, hash_of(secret), person.number, iso(self.clock() + INVITED_S))
            clinic = people.clinic(connection, person.clinic)
            entry = by.entry(at, "invited", person.id) if by else trail.Entry(at, clinic.id, None, None, "invited", person.id)
            trail.note(connection, entry)

        await self._store.write(job)
        return secret

    async def uninvite(self, by: Entrance, person: Person) -> bool:
        """Whether there was one that held."""
        at = self.now()

        def job(connection: Connection) -> bool:
            if not keys.uninvite(connection, person.number, at):
                return False
            trail.note(connection, by.entry(at, "took back the invitation", person.id))
            return True

        return await self._store.write(job)

    async def accept(
        self, secret: str, *, password: str, email: str, name: str, clinic: str, time_zone: str
    ) -> str:
        """Takes up an invitation; the secret of a new login. name, clinic and zone only where a clinic is made."""
        account, at = plain(email), self.now()
        found = await self._store.fetch(keys.invited, hash_of(secret), at)
        if found is None:
            raise Problem(404, WORTHLESS)
        number, invitee = found
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", account) or not account.isprintable():
            raise Problem(422, "not an e-mail address (wanted somebody@somewhere)", "email")
        if invitee is None:
            _check_clinic(name, clinic, time_zone)
        known = name if invitee is None else (await self._store.fetch(people.by_number, invitee)).name
        passwords.check(password, account.partition("@")[0], clinic, *known.split())
        hashed = await self._passwords.hash(password)

        def job(connection: Connection) -> Person:
            if not keys.spend_invitation(connection, number, at):
                raise Problem(404, WORTHLESS)
            other = people.by_email(connection, account)
            if other is not None and other.number != invitee:
                raise Problem(409, "this address cannot be used here (wanted another one)", "email")
            if invitee is None:
                made = people.add_clinic(connection, clinic, time_zone, at)
                person = people.add(connection, made.number, "staff", True, name, at)
            else:
                person = people.by_number(connection, invitee)
                made = people.clinic(connection, person.clinic)
            anew = {"totp": None, "totp_step": 0, "disabled_at": None}
            people.change(connection, person.number, email=account, password=hashed, **anew)
            keys.log_out_everywhere(connection, person.number)
            action = "made the clinic" if invitee is None else "took up the invitation"
            trail.note(connection, trail.Entry(at, made.id, person.id, None, action, person.id))
            return people.by_number(connection, person.number)

        person = await self._store.write(job)
        self.sockets.look_again(person.number)
        return await self._begin(person)

    async def invitee(self, secret: str, address: str) -> Person | None:
        """Whom a good link is for; None also for one that makes a clinic. Problem for a worthless one, or too many tries."""
        self.throttle.spend("invitation", address=address)
        found = await self._store.fetch(keys.invited, hash_of(secret), self.now())
        if found is None:
            raise Problem(404, WORTHLESS)
        return found[1] and await self._store.fetch(people.by_number, found[1])

    async def disable(self, by: Entrance, person: Person) -> None:
        """Until the next invitation. Their data stay."""
        at = self.now()

        def job(connection: Connection) -> None:
            people.change(connection, person.number, disabled_at=at)
            keys.withdraw(connection, person.number, at)
            trail.note(connection, by.entry(at, "disabled", person.id))

        await self._store.write(job)
        self.devices.forget()
        self.sockets.look_again(person.number)


def _until(login: Login, person: Person) -> float:
    if login.stage != "full":
        return epoch(login.created_at) + HALF_S
    return min(epoch(login.created_at) + ABSOLUTE_S[person.role], epoch(login.seen_at) + IDLE_S[person.role])


def plain(text: str) -> str:
    """An e-mail address as it is compared and kept."""
    return text.strip().casefold()


_zones = functools.cache(available_timezones)  # it looks through directories


def _check_clinic(name: str, clinic: str, time_zone: str) -> None:
    for value, where in ((name, "name"), (clinic, "clinic")):
        if not 1 <= len(value) <= 128 or not value.isprintable():
            raise Problem(422, "not a name (wanted 1 to 128 printable characters)", where)
    if time_zone not in _zones():
        raise Problem(422, "unknown time zone (wanted one like Europe/Berlin, got {got})", "time_zone", got=ascii(time_zone))
