"""Imported once, by the server process that forks the children: what each would else work out anew."""

from htmldate.extractors import external_date_parser

# The first date that is hard to read makes dateparser compile the expressions of 200 languages: 2 s of
# processor time and 43 MB. In a child that is some page's 2 s, and under load pages failed of it.
external_date_parser("no day in any language 99", "%Y-%m-%d")
