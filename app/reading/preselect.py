"""A document too large for a model's context: its best sentences, in order, rather than its beginning."""

from app.reading.article import Article
from app.reading.language import primary_language
from app.reading.sentences import split_sentences
from app.reading.summarize import rank_all
from app.reading.terms import vocabulary


def preselect(article: Article, most_bytes: int) -> str:
    """As many of the best-ranked sentences as fit into so many bytes of UTF-8, one a line."""
    language = primary_language(article.language)
    sentences = split_sentences(article.text, language)
    left = most_bytes
    kept = []
    for item in sorted(
        rank_all(sentences, article.title, vocabulary(language)), key=lambda item: -item.score
    ):
        size = len(item.sentence.text.encode("utf-8", "replace")) + 1
        if size <= left:
            left -= size
            kept.append(item.sentence)
    return "\n".join(sentence.text for sentence in sorted(kept, key=lambda sentence: sentence.start))
