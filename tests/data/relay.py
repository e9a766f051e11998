"""A real mail relay on loopback: python relay.py MAILDIR CERTIFICATE KEY USER PASSWORD

It wants STARTTLS and a login, prints its port, and keeps each mail in MAILDIR.
"""

import asyncio
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult

maildir, certificate, key, user, password = sys.argv[1:]


def authenticate(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=known, handled=known)


async def serve():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    handler = Mailbox(maildir)

    def session():
        return SMTP(handler, hostname="relay.test", tls_context=tls, require_starttls=True,
                    authenticator=authenticate, auth_required=True)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
