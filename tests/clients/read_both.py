"""imaplib and poplib, by TLS and STARTTLS/STLS, read the same mail: the same octets, sizes and counts."""
from common import imap, ok, pop3, sizes, uids, unique_ids

for start_tls in (False, True):
    by_imap, by_pop3 = imap(start_tls), pop3(start_tls)
    count = int(ok(by_imap.select("INBOX", readonly=True))[0])
    assert count == 12, count
    assert by_pop3.stat()[0] == count
    rows = uids(by_imap)
    assert [size for _, size, _ in rows] == sizes(by_pop3), (rows, sizes(by_pop3))
    assert sum(size for _, size, _ in rows) == by_pop3.stat()[1]
    assert len(set(unique_ids(by_pop3))) == count
    for number in range(1, count + 1):
        octets = ok(by_imap.fetch(str(number), "(BODY.PEEK[])"))[0][1]
        lines = b"".join(line + b"\r\n" for line in by_pop3.retr(number)[1])
        assert octets == lines, (number, octets, lines)
        header = ok(by_imap.fetch(str(number), "(BODY.PEEK[HEADER])"))[0][1]
        assert header == b"".join(line + b"\r\n" for line in by_pop3.top(number, 0)[1])
    by_imap.logout()
    by_pop3.quit()
