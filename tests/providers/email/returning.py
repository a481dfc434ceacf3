"""Mail that comes back, as mail servers and mailbox providers write it."""

OURS = """From: Oak Heating <hello@oak.example.com>
To: robin@example.com
Subject: Time for a check
Message-ID: <{reference}@oak.example.com>
"""


def delivery_report(
    *, reference: str = "wb-7", action: str = "failed", status: str = "5.1.1",
    diagnostic: str = "550 5.1.1 No such user", address: str = "robin@example.com",
    returned: str = "text/rfc822-headers",
) -> bytes:  # fmt: skip
    """A report as Postfix writes it (RFC 3464)."""
    return f"""Date: Wed, 30 Sep 2026 12:00:00 +0000
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: hello@oak.example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Wed, 30 Sep 2026 11:59:58 +0000

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; {diagnostic}

--b
Content-Type: {returned}

{OURS.format(reference=reference)}
--b--
""".replace("\n", "\r\n").encode()


def feedback_report(*, reference: str = "wb-7", kind: str = "abuse") -> bytes:
    """A complaint (RFC 5965)."""
    return f"""Date: Wed, 30 Sep 2026 12:00:00 +0000
From: <feedback@isp.example.net>
To: <hello@oak.example.com>
Subject: FW: Time for a check
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <robin@example.com>
Arrival-Date: Wed, 30 Sep 2026 11:59:58 +0000

--b
Content-Type: message/rfc822

{OURS.format(reference=reference)}
Hello!
--b--
""".replace("\n", "\r\n").encode()


VACATION = b"""From: robin@example.com
To: hello@oak.example.com
Subject: Out of office: Time for a check
Auto-Submitted: auto-replied
In-Reply-To: <wb-7@oak.example.com>

I am away until Monday. My old address 550 5.1.1 is gone.
"""
