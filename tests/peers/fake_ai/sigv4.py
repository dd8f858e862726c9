"""Verifies Amazon's signatures, version 4, as a service does. Paths are encoded twice, as for all services but S3."""
import datetime
import hashlib
import hmac
import re
import urllib.parse

SKEW = datetime.timedelta(minutes=5)
ALGORITHM = 'AWS4-HMAC-SHA256'


class Rejected(Exception):
    """The name of the exception that the service gives, and why."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name
        self.message = message


def verify(request, credentials, service='bedrock', now=None):
    """`credentials`: {access key: {"secret_key", "session_token"?}}. Returns the access key that signed."""
    match = re.fullmatch(ALGORITHM + r' Credential=([^,/]+)/(\d{8})/([^,/]+)/([^,/]+)/aws4_request, ?'
                         r'SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})', request.headers.get('authorization', ''))
    if match is None:
        raise Rejected('MissingAuthenticationTokenException', 'Missing Authentication Token')
    access_key, day, region, of_service, signed, signature = match.groups()
    row = credentials.get(access_key)
    if row is None or row.get('session_token') != request.headers.get('x-amz-security-token'):
        raise Rejected('UnrecognizedClientException', 'The security token included in the request is invalid.')
    if of_service != service:
        raise Rejected('InvalidSignatureException', f"Credential should be scoped to correct service: '{service}'.")
    date = request.headers.get('x-amz-date', '')
    _check_date(date, day, now or datetime.datetime.now(datetime.timezone.utc))
    names = signed.split(';')
    wanted = {'host', *(name for name in request.headers if name.startswith('x-amz-'))}
    if names != sorted(names) or not wanted <= set(names):
        raise Rejected('InvalidSignatureException', f'What has to be signed, in order: {sorted(wanted)}')
    scope = f'{day}/{region}/{service}/aws4_request'
    canonical = canonical_request(request, names)
    text = '\n'.join((ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f'AWS4{row["secret_key"]}'.encode()
    for part in scope.split('/'):
        key = hmac.digest(key, part.encode(), 'sha256')
    if not hmac.compare_digest(hmac.digest(key, text.encode(), 'sha256').hex(), signature):
        raise Rejected('InvalidSignatureException',
                       'The request signature we calculated does not match the signature you provided.')
    return access_key


def canonical_request(request, names):
    path = urllib.parse.quote(request.raw_path, safe='/-_.~')
    query = '&'.join(sorted(f'{_encoded(name)}={_encoded(value)}' for name, value in
                            urllib.parse.parse_qsl(request.raw_query, keep_blank_values=True)))
    headers = ''.join(f'{name}:{re.sub(" +", " ", request.headers.get(name, "").strip())}\n' for name in names)
    digest = hashlib.sha256(request.body).hexdigest()
    if request.headers.get('x-amz-content-sha256', digest) != digest:
        raise Rejected('InvalidSignatureException', 'x-amz-content-sha256 is not the hash of the body.')
    return '\n'.join((request.method, path, query, headers, ';'.join(names), digest))


def _encoded(text):
    return urllib.parse.quote(text, safe='-_.~')


def _check_date(date, day, now):
    try:
        signed_at = datetime.datetime.strptime(date, '%Y%m%dT%H%M%SZ').replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        raise Rejected('MissingAuthenticationTokenException', 'x-amz-date is missing, or no date.') from None
    if not date.startswith(day):
        raise Rejected('InvalidSignatureException', 'Date in Credential scope does not match x-amz-date.')
    if signed_at < now - SKEW:
        raise Rejected('InvalidSignatureException', f'Signature expired: {date} is now earlier than {now - SKEW:%Y%m%dT%H%M%SZ}')
    if signed_at > now + SKEW:
        raise Rejected('InvalidSignatureException',
                       f'Signature not yet current: {date} is still later than {now + SKEW:%Y%m%dT%H%M%SZ}')
