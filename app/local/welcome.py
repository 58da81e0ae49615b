"""What `./run` prints once it is ready: the README's lines, with this run's addresses."""

LINES = """
Precis is ready at {url}    documentation: {url}/docs    stop: Ctrl-C

Next, in another terminal:

  curl -s {url}/api/v1/users/register -H 'Content-Type: application/json' \\
    -d '{{"username":"ada","email":"ada@example.com","password":"Engine-No-1-of-1837"}}'

  TOKEN=$(curl -s {url}/api/v1/auth/token -d username=ada -d password=Engine-No-1-of-1837 \\
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')

  curl -s {url}/api/v1/summaries -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -H 'Prefer: wait=15' -d '{{"url":"{article}"}}'

  curl -s {url}/api/v1/summaries -H "Authorization: Bearer $TOKEN"
"""
DEMO = """
Or with the demo's own credentials, which live as long as this run:

{credentials}
  curl -s {url}/api/v1/summaries -H 'X-API-Key: <the API key>'
"""
PUBLIC_ARTICLE = "https://en.wikipedia.org/wiki/Automatic_summarization"


def welcome(url: str, article: str = PUBLIC_ARTICLE) -> str:
    return LINES.format(url=url, article=article)


def demo_welcome(url: str, samples_port: int, credentials: str) -> str:
    indented = "".join(f"  {line}\n" for line in credentials.splitlines())
    article = f"http://127.0.0.1:{samples_port}/lighthouse.html"
    return welcome(url, article) + DEMO.format(url=url, credentials=indented)
