"""Wrong solutions that learners write, one file a system, each with the sentence that explains it."""

from mmlearn.course.exercise import Misconception


class Collection(dict):
    """Misconceptions by slug, filled by `@collection.of(slug, sentence)` over each piece of code."""

    def of(self, slug: str, sentence: str):
        """Register the function or class below as a misconception of the exercise `slug`."""

        def register(code):
            self.setdefault(slug, []).append(Misconception(code.__name__, code, sentence))
            return code

        return register
