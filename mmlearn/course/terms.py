"""The glossary: each technical word of the course, where it is first used, and what it means there.

A later lesson adds its words to `TERMS`, in alphabetical order; a test finds a word that its lesson does not use.
"""

from dataclasses import dataclass

from mmlearn.course.lessons import find
from mmlearn.course.tables import html_table, plain


@dataclass(frozen=True)
class Term:
    """A word, the number of the lesson that introduces it, and its meaning in one or two sentences."""

    word: str
    lesson: str
    meaning: str


TERMS = (
    Term(
        "accuracy",
        "00",
        "The share of items that a model judges rightly. It means something only beside a baseline.",
    ),
    Term(
        "adversarial loss",
        "15",
        "What a model loses where a discriminator does not take what it made for real.",
    ),
    Term(
        "alias",
        "14",
        "The frequency that is heard in place of one above half the sampling rate: the distance to the nearest "
        "multiple of the rate.",
    ),
    Term(
        "arithmetic coder",
        "15",
        "Writes symbols in about as many bits as they were surprising, given how likely each was.",
    ),
    Term(
        "attention",
        "01",
        "A weighted mean over tokens. Every token computes for itself how much it takes from each of the others.",
    ),
    Term(
        "attention distance",
        "01",
        "How far a head of attention looks: the mean distance between a patch and those that it attends to, each "
        "counted by its weight.",
    ),
    Term(
        "augmentation",
        "01",
        "Changing a training item in a way that keeps its label, such as a small shift of a picture, so that the model "
        "does not meet exactly the same item twice.",
    ),
    Term(
        "balancer",
        "15",
        "Divides each loss's gradient by its usual length, so that a weight is a share.",
    ),
    Term(
        "baseline",
        "00",
        "A simple way to do the task, measured on the same items. A model is worth what it adds to that.",
    ),
    Term("batch", "00", "Several items that go through a model together, along the first axis of a tensor."),
    Term(
        "bitrate",
        "15",
        "How many bits a second of sound takes.",
    ),
    Term(
        "byte-pair encoding",
        "02",
        "Cuts words into pieces. It begins with single bytes and joins the pairs of neighbours that are most "
        "frequent in training texts.",
    ),
    Term("caption", "02", "A text that says what a picture shows."),
    Term(
        "causal attention",
        "02",
        "Attention in which a token sees itself and the tokens before it, never later ones.",
    ),
    Term(
        "causal convolution",
        "15",
        "A convolution that looks only backwards, so that it can run while a sound is being made.",
    ),
    Term(
        "chance",
        "00",
        "What blind guessing gets right: one item in K where there are K classes and each is equally likely to be "
        "guessed.",
    ),
    Term(
        "channel",
        "00",
        "One of the numbers that a picture holds at each pixel. A colour picture has three: red, green and blue.",
    ),
    Term("class", "00", "One of the fixed answers between which a classifier chooses."),
    Term(
        "class token",
        "01",
        "A learned vector that is put in front of the patches. It stands for no patch; the head reads from it what the "
        "layers have collected there.",
    ),
    Term(
        "codebook",
        "15",
        "A list of vectors, the entries. What is sent is the number of the nearest one, the code.",
    ),
    Term(
        "codec",
        "15",
        "What writes a sound as few bits (the encoder) and makes a sound of them again (the decoder).",
    ),
    Term(
        "commitment loss",
        "15",
        "The squared distance of a latent to the entry that it chose. It draws the latent there.",
    ),
    Term("concept", "00", "A thing that the emoji data set shows, such as a red apple, whoever drew it."),
    Term(
        "confidence interval",
        "00",
        "A range around a measured number. Of ranges made in this way at 95 %, 95 in 100 hold the true number.",
    ),
    Term(
        "contrastive learning",
        "02",
        "Training that pulls the vectors of partners together and pushes those of all other pairs in the batch apart.",
    ),
    Term(
        "convolution",
        "01",
        "A layer that slides one small set of weights, its kernel, over a picture. The stride is how many pixels it "
        "moves at a time.",
    ),
    Term(
        "cosine",
        "02",
        "How far two vectors point the same way: 1 where they do, 0 where they have nothing in common, -1 where "
        "they are opposite.",
    ),
    Term(
        "dead entry",
        "15",
        "An entry that no latent chooses, and that therefore never moves.",
    ),
    Term(
        "decibel",
        "14",
        "A tenth of a power of ten of the power: ten decibels are a factor of ten, twenty one of a hundred.",
    ),
    Term(
        "discriminator",
        "15",
        "A network that learns to tell real items from made ones. The model learns to deceive it.",
    ),
    Term(
        "DNSMOS",
        "15",
        "A network that guesses what marks listeners would give a recording of speech.",
    ),
    Term("embedding", "00", "A vector that stands for something: a word, a patch, a picture, a place in a sequence."),
    Term(
        "embedding arithmetic",
        "03",
        "Adding vectors of a shared space. What lies near the sum has something of both.",
    ),
    Term(
        "emergent alignment",
        "03",
        "Two modalities that no training pair joined lie near each other all the same, because both were bound to a "
        "third.",
    ),
    Term("encoder", "01", "The part of a model that turns an input into vectors for other parts to read."),
    Term(
        "entropy",
        "15",
        "The bits that a symbol takes in the mean where likely ones take few: minus the logarithm of its chance.",
    ),
    Term(
        "feature matching",
        "15",
        "Made and real items should look alike to every layer of a discriminator.",
    ),
    Term(
        "Fourier transform",
        "14",
        "How much of each frequency is in a stretch of sound, and where in its swing each begins.",
    ),
    Term("frozen", "03", "Of parameters: kept as they are while other parts of a model are trained."),
    Term(
        "fusion",
        "00",
        "How and where a model brings two modalities together. Early fusion joins their tokens into one sequence; deep "
        "fusion lets layers inside the model look from one to the other.",
    ),
    Term(
        "Griffin-Lim",
        "14",
        "A way to find phases that were lost: make a sound with any, keep the phases of its own spectra, and repeat.",
    ),
    Term(
        "head",
        "01",
        "In attention: one of several attentions side by side, each on its own slice of the vectors. At the end of a "
        "model: the last layer, which gives the answer.",
    ),
    Term(
        "held-out",
        "00",
        "Kept away from training. Only held-out items show what a model does with what it has never seen.",
    ),
    Term(
        "hertz",
        "14",
        "One a second: of waves, or of samples.",
    ),
    Term(
        "hinge loss",
        "15",
        "A loss that falls until a score is beyond a limit, and then stays zero.",
    ),
    Term(
        "hop",
        "14",
        "How far it is from the beginning of one window to that of the next.",
    ),
    Term(
        "inductive bias",
        "01",
        "What a model assumes before it sees data. A convolution assumes that neighbouring pixels belong together and "
        "that a thing stays the same thing when it moves.",
    ),
    Term(
        "interpolation",
        "01",
        "Filling in values between known ones. Positions learned for one grid of patches are stretched to another grid "
        "in this way.",
    ),
    Term(
        "k-means",
        "15",
        "Finds centres in vectors: each centre moves to the mean of those nearest to it, again and again.",
    ),
    Term("key", "01", "The vector by which a token says what it offers. Queries are compared with it."),
    Term(
        "latent",
        "15",
        "A vector inside a model that stands for an input, such as a frame of sound.",
    ),
    Term(
        "layer norm",
        "01",
        "Shifts and scales the numbers of each token to mean 0 and variance 1, then by learned numbers.",
    ),
    Term(
        "leakage",
        "14",
        "A tone that does not fit into its window a whole number of times seems to hold other frequencies too.",
    ),
    Term(
        "linear probe",
        "02",
        "A linear classifier fitted to the vectors of a frozen encoder. It shows what the vectors hold.",
    ),
    Term(
        "low-pass filter",
        "14",
        "It takes away the frequencies above a limit; needed before a sampling rate is lowered.",
    ),
    Term(
        "magnitude",
        "14",
        "The absolute value of a spectrum at a frequency: how much of it there is. Its square is the power.",
    ),
    Term(
        "majority",
        "00",
        "The baseline that always gives the answer that was most frequent in training.",
    ),
    Term(
        "mean picture",
        "00",
        "The mean of several pictures, at every pixel and channel. The group whose mean is nearest to a picture is a "
        "baseline's guess of its group.",
    ),
    Term(
        "mel scale",
        "03",
        "Pitches as an ear spaces them: equal steps sound about equally large. A mel bin is one step of it.",
    ),
    Term(
        "merge",
        "02",
        "A pair of symbols that byte-pair encoding joins. The list of merges, in their order, is what it has learned.",
    ),
    Term("modality", "00", "A kind of data with a form of its own: text, image, audio, depth."),
    Term(
        "modality gap",
        "03",
        "The distance between the mean unit vectors of two modalities in a shared space. It can be large although "
        "partners find each other.",
    ),
    Term(
        "moving average",
        "15",
        "A mean in which what is longer ago counts less and less.",
    ),
    Term(
        "MUSHRA",
        "15",
        "A listening test: several versions of a sound are rated beside the original, which also hides among them.",
    ),
    Term(
        "negative control",
        "00",
        "The same measurement with the cause taken out, such as training on shuffled labels. If the effect stays, it "
        "came from something else.",
    ),
    Term("objective", "00", "The number that training makes small or large. It says what the model is asked to learn."),
    Term(
        "patch",
        "01",
        "A small square of a picture. The Vision Transformer reads a patch where a language model reads a word.",
    ),
    Term(
        "perceptron (MLP)",
        "01",
        "Linear layers with a nonlinear function between them. In a transformer it works on each token by itself.",
    ),
    Term(
        "perplexity",
        "15",
        "How many entries, all equally frequent, would be as hard to guess: two to the power of the entropy in bits.",
    ),
    Term(
        "phase",
        "14",
        "The angle of a spectrum at a frequency: where in its swing that wave begins. Spectrograms leave it out.",
    ),
    Term(
        "position",
        "01",
        "Where a token stands in the sequence; and, for short, the position embedding of that place.",
    ),
    Term(
        "position embedding",
        "01",
        "A vector for each place in the sequence, added to the token that stands there. Without it, attention does not "
        "know the order.",
    ),
    Term(
        "pre-training",
        "01",
        "Training on one large task first, so that a model can then be fitted to another task with less data.",
    ),
    Term("projection", "01", "A linear layer that maps vectors of one length to vectors of another."),
    Term(
        "quantiser dropout",
        "15",
        "In training each batch uses a number of codebooks drawn by chance, so that one model knows many bitrates.",
    ),
    Term("query", "01", "The vector by which a token says what it looks for. It is compared with all keys."),
    Term("recall at k (R@k)", "02", "The share of queries that have a right answer among their k nearest candidates."),
    Term(
        "receptive field",
        "01",
        "The part of the picture that one value inside a network can depend on. In a convolutional network it grows "
        "from layer to layer.",
    ),
    Term(
        "reference",
        "00",
        "The course's own tested code for an exercise. Your result is compared with its result, and where an exercise "
        "is not solved it stands in.",
    ),
    Term(
        "residual path",
        "01",
        "The way on which tokens pass a block unchanged. What the block computes is added to them.",
    ),
    Term(
        "residual vector quantisation",
        "15",
        "Several codebooks, each of which quantises what those before it left over.",
    ),
    Term(
        "sampling rate",
        "14",
        "How many times a second a sound is measured. Only frequencies below half of it can be told apart.",
    ),
    Term(
        "scores (logits)",
        "01",
        "One number for each class, before a softmax makes shares of them. The class with the highest is the answer.",
    ),
    Term(
        "seed",
        "00",
        "The number from which a random generator starts. The same seed gives the same random numbers again.",
    ),
    Term(
        "shared space",
        "02",
        "Vectors of several modalities that can be compared with each other: a picture lies near the texts and "
        "sounds that fit it.",
    ),
    Term(
        "softmax",
        "01",
        "Turns numbers into positive shares that sum to 1; larger numbers get larger shares.",
    ),
    Term(
        "spectrogram",
        "03",
        "A picture of a sound: time to the right, pitch upwards, and at each place how much energy there is, usually "
        "as its logarithm.",
    ),
    Term("split", "00", "A part of a data set with a purpose: to train on, or to test one question."),
    Term(
        "straight-through estimator",
        "15",
        "A step without a gradient, such as a choice, is passed over on the way back as if nothing had been chosen.",
    ),
    Term(
        "temperature",
        "02",
        "What scores are divided by before a softmax: the reciprocal of the scale. A low one makes the softmax sharp.",
    ),
    Term("tensor", "00", "Numbers in a grid of any number of axes. Its shape is how many there are along each axis."),
    Term("token", "00", "One vector, or one number of a fixed list, in the sequence that a model reads or writes."),
    Term("token embedding", "02", "The learned vector of a token of the vocabulary."),
    Term("trunk", "03", "ImageBind's word for the encoder of one modality."),
    Term("value", "01", "The vector that a token hands over to those that attend to it."),
    Term(
        "vector quantisation",
        "15",
        "Putting the nearest entry of a codebook in the place of a vector.",
    ),
    Term("vocabulary", "02", "All tokens that a tokenizer knows, each with its number."),
    Term(
        "window",
        "14",
        "A short stretch of a sound, and the weights that bring it to nothing at both ends.",
    ),
    Term(
        "word error rate",
        "15",
        "The words that a recogniser gets wrong, puts in or leaves out, by the words that were said.",
    ),
    Term(
        "zero-shot",
        "02",
        "Doing a task without a training item for it, such as choosing among classes that are only described in words.",
    ),
)


def glossary(lesson: str | None = None) -> None:
    """Show the words of one lesson (`"01"`), or of all lessons that are here, with what they mean.

    Raises:
        ValueError: no lesson has this number.
    """
    from mmlearn.course.figures import publish

    places = {number: find(number) for number in ([lesson] if lesson else sorted({term.lesson for term in TERMS}))}
    shown = [term for term in TERMS if term.lesson in places and (lesson or places[term.lesson].landed)]
    caption = f"Glossary of lesson {lesson}" if lesson else "Glossary"
    rows = [(t.word, t.meaning, f"[{t.lesson}]({places[t.lesson].file})") for t in shown]
    lines = (f"{word} (lesson {plain(link)}): {meaning}" for word, meaning, link in rows)
    publish(
        {
            "text/plain": "\n".join([caption, *lines]),
            "text/html": html_table(caption, ("Word", "Meaning", "Lesson"), rows),
        }
    )
