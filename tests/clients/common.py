"""Connections for the scripts beside this file; ports and certificate come from the environment."""
import imaplib
import os
import poplib
import smtplib
import socket
import ssl

ACCOUNT, PASSWORD = os.environ["ACCOUNT"], os.environ["PASSWORD"]
TLS = ssl.create_default_context(cafile=os.environ["CA"])


def imap(start_tls=False, login=True):
    if start_tls:
        client = imaplib.IMAP4("localhost", int(os.environ["IMAP"]))
        client.starttls(TLS)
    else:
        client = imaplib.IMAP4_SSL("localhost", int(os.environ["IMAPS"]), ssl_context=TLS)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if login:
        client.login(ACCOUNT, PASSWORD)
    return client


def pop3(start_tls=False, login=True):
    if start_tls:
        client = poplib.POP3("localhost", int(os.environ["POP3"]), timeout=30)
        client.stls(TLS)
    else:
        client = poplib.POP3_SSL("localhost", int(os.environ["POP3S"]), context=TLS, timeout=30)
    if login:
        client.user(ACCOUNT)
        client.pass_(PASSWORD)
    return client


def deliver(octets):
    with smtplib.LMTP("localhost", int(os.environ["LMTP"])) as lmtp:
        refused = lmtp.sendmail("sender@example.test", [ACCOUNT], octets)
        assert refused == {}, refused


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def uids(client):
    """UID, size and flags of every message, in order."""
    rows = []
    for line in ok(client.fetch("1:*", "(UID RFC822.SIZE FLAGS)")):
        if line is None:
            continue
        words = line.decode().replace("(", " ").replace(")", " ").split()
        flags = words[words.index("FLAGS") + 1:]
        if "UID" in flags:
            flags = flags[:flags.index("UID")]
        if "RFC822.SIZE" in flags:
            flags = flags[:flags.index("RFC822.SIZE")]
        rows.append((int(words[words.index("UID") + 1]), int(words[words.index("RFC822.SIZE") + 1]), flags))
    return rows


def unique_ids(client):
    return [line.decode().split()[1] for line in client.uidl()[1]]


def sizes(client):
    return [int(line.split()[1]) for line in client.list()[1]]
