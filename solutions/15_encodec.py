# %% [markdown]
# # 15 · EnCodec
#
# A codec writes a sound as few bits and makes a sound of them again. MP3 and Opus were designed by people who know
# what an ear does not notice. EnCodec learns it: a network turns each fiftieth of a second into some whole numbers,
# and another network turns them back. Whole numbers are also what a language model reads and writes, so codecs like
# this are how such models hear and speak. *The paper* below is Défossez et al. 2022, [High Fidelity Neural Audio
# Compression](https://arxiv.org/abs/2210.13438).
#
# **You will** write the parts of the codec: convolutions that run while the sound is still being made, the quantiser,
# all of its losses, and what keeps them in balance. You train a small codec and listen to a longer-trained one, beside
# Opus, at equal bits. **You need** lesson 14 for spectrograms and mel bins.

# %% tags=["setup"]
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course import (
    Sound,
    check,
    explore_sounds,
    glossary,
    listen,
    live_curve,
    predict,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import charts
from mmlearn.course.drawings import encodec as draw
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.experiments import encodec as study
from mmlearn.experiments import zoo

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A second of speech at `16000` samples of two bytes is `256` thousand bits. Opus, the codec of video calls, makes do
# with `12` thousand and sounds well; below `8` thousand it falls apart. EnCodec's question: how far down can one go if
# the codec is learned?
#
# The picture shows the way of a sound through the codec. The row of numbers in the middle is all that is sent.

# %% id="the-idea"
codec = zoo.load("toy-codec")

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **C** channels, **T** samples, **F** frames, **D** width of a latent, the
# vector of a frame. **Q** codebooks, **K** entries of a codebook, **N** vectors of all items and frames.
#
# ### A convolution that runs live
#
# In a call nobody can wait for the end of a sentence. A *causal* convolution looks only backwards. With a kernel of S
# + 1 weights,
#
# $$y_t = b + \sum_{k=0}^{S} w_k \, x_{t - S + k}$$
#
# What comes out at $t$ needs $x_t$ and the S samples before it. So a stream can be cut into pieces of any length: keep
# the last S samples, put them before the next piece, and nothing has to be made up but what stands before the first
# sample, which is zeros. What is kept is called the *state*. The pieces, end to end, must be exactly what the whole
# sound would have given.
#
# `F.conv1d(x, weight, bias)` is the sum above with nothing added at the ends: S fewer samples come out than go in. It
# refuses fewer samples than the kernel has weights.


# %% exercise="encodec.stream"
def convolve_piece(
    piece_BCT: Tensor, held_BCS: Tensor, weight_DCK: Tensor, bias_D: Tensor
) -> tuple[Tensor, Tensor]:
    """The next piece of a causal convolution, and what the piece after it needs.

    `held_BCS` are the S = K - 1 samples before the piece; a kernel has K weights here. Returns
    [B, D, T], as many samples as the piece has, and the new state [B, C, S]. A piece may be
    shorter than S, or empty: then nothing comes out, [B, D, 0], and the state stays as it was.
    """
    ### BEGIN SOLUTION
    if piece_BCT.shape[2] == 0:  # F.conv1d refuses fewer samples than the kernel has weights
        return piece_BCT.new_zeros(len(piece_BCT), len(bias_D), 0), held_BCS
    S = weight_DCK.shape[2] - 1
    joined_BCT = torch.cat([held_BCS, piece_BCT], dim=2)
    out_BDT = F.conv1d(joined_BCT, weight_DCK, bias_D)
    return out_BDT, joined_BCT[:, :, joined_BCT.shape[2] - S :]
    ### END SOLUTION


# %% check="encodec.stream"
# NBVAL_CHECK_OUTPUT
convolve_piece = check("encodec.stream")

# %% [markdown]
# ### Residual vector quantisation
#
# The encoder gives a vector $\mathbf{z}$ of D numbers for each frame, the *latent*. Numbers with all their decimals
# are too many bits. *Vector quantisation* keeps a list of K vectors, the *codebook*, and sends only which entry is
# nearest: $\log_2 K$ bits. With `10` bits for a frame there are `1024` entries. With `80` bits there would have to be
# $2^{80}$, and nobody can store them.
#
# So quantise in steps (section 3.2). The first codebook says the rough. What is left over, the *residual*, goes to the
# second, which says the rest; and so on. Q codebooks of `1024` entries cost `10` Q bits a frame and store only `1024`
# Q vectors. And whoever wants fewer bits leaves the last codebooks out: one model for many bitrates.
#
# $$\mathbf{z}_1 = \mathbf{z}, \qquad \mathbf{z}_{c+1} = \mathbf{z}_c - q_c(\mathbf{z}_c), \qquad \hat{\mathbf{z}} = \sum_{c=1}^{Q} q_c(\mathbf{z}_c)$$
#
# $q_c(\mathbf{z}_c)$ is the entry of codebook $c$ that is nearest to what the codebooks before it left over. The paper
# writes C for the number of codebooks in use; here it is Q.


# %% exercise="encodec.quantise"
def quantise(x_ND: Tensor, books_QKD: Tensor) -> tuple[Tensor, Tensor]:
    """Latents as codes: [N, D] and codebooks [Q, K, D].

    Returns the codes [Q, N], and what the first codebook, the first two, and so on, say of each
    latent: [Q, N, D]. Codes are int64, as `argmin` gives them.
    """
    ### BEGIN SOLUTION
    left_ND, said_ND = x_ND, torch.zeros_like(x_ND)
    codes, stages = [], []
    for entries_KD in books_QKD:
        codes_N = torch.cdist(left_ND, entries_KD).argmin(dim=1)
        chosen_ND = entries_KD[codes_N]  # q_c(z_c)
        left_ND, said_ND = left_ND - chosen_ND, said_ND + chosen_ND
        codes.append(codes_N)
        stages.append(said_ND)
    return torch.stack(codes), torch.stack(stages)
    ### END SOLUTION


# %% check="encodec.quantise"
# NBVAL_CHECK_OUTPUT
quantise = check("encodec.quantise")

# %% [markdown]
# ### Gradients around a choice
#
# Choosing the nearest entry has no gradient. So on the way back one pretends that nothing was chosen: the gradient of
# $\hat{\mathbf{z}}$ is given to $\mathbf{z}$ as it is. This is called *straight through*. In code,
# `z + (z_hat - z).detach()` has the value of `z_hat` and the gradient of `z`.
#
# That is a good guess only if the two are near each other. So a loss draws the latent to the entries that it chose, the
# *commitment loss*, "with no gradient being computed for the quantized value":
#
# $$\ell_w = \sum_{c=1}^{Q} \lVert \mathbf{z}_c - q_c(\mathbf{z}_c) \rVert_2^2 \qquad (3)$$
#
# Write its terms, one for each codebook, as means over the latents. $\mathbf{z}_c - q_c(\mathbf{z}_c)$ is what the
# first $c$ codebooks together leave over.


# %% exercise="encodec.commitment"
def commitment(x_ND: Tensor, said_QND: Tensor) -> Tensor:
    """The terms of equation 3, one for each codebook, not summed: [Q].

    Each is the sum of the squares over D, and the mean over the N latents. `said_QND` is what the
    first codebook, the first two, and so on, say. The gradient goes to the latents alone.
    """
    ### BEGIN SOLUTION
    left_QND = x_ND - said_QND.detach()
    return left_QND.square().sum(dim=2).mean(dim=1)
    ### END SOLUTION


# %% check="encodec.commitment"
# NBVAL_CHECK_OUTPUT
commitment = check("encodec.commitment")

# %% [markdown]
# ### How a codebook learns
#
# Codebooks get no gradient. Each entry moves to the mean of the latents that chose it, a *moving average* over batches
# (section 3.2; van den Oord et al. 2017, appendix A.1). Entry $k$ keeps a count $n_k$ of the latents that chose it,
# and their sum $\mathbf{m}_k$. With $\beta$ near 1, and $\mathbf{x} \to k$ for the latents of the batch that chose it:
#
# $$n_k \leftarrow \beta\, n_k + (1 - \beta) \sum_{\mathbf{x} \to k} 1, \qquad \mathbf{m}_k \leftarrow \beta\, \mathbf{m}_k + (1 - \beta) \sum_{\mathbf{x} \to k} \mathbf{x}$$
#
# The entry is then $\mathbf{e}_k = \mathbf{m}_k / n_k$.


# %% exercise="encodec.averages"
def moving_averages(
    sums_KD: Tensor, counts_K: Tensor, x_ND: Tensor, codes_N: Tensor, decay: float
) -> tuple[Tensor, Tensor]:
    """The sums [K, D] and counts [K] after one more batch; `decay` is beta.

    `x_ND` are the latents that this codebook was given, `codes_N` which entry each chose. Returns new
    tensors; the given ones stay as they are. An entry that nobody chose shrinks too.
    """
    ### BEGIN SOLUTION
    chose_NK = F.one_hot(codes_N, len(counts_K)).to(x_ND.dtype)
    counts_K = decay * counts_K + (1 - decay) * chose_NK.sum(dim=0)
    sums_KD = decay * sums_KD + (1 - decay) * chose_NK.T @ x_ND
    return sums_KD, counts_K
    ### END SOLUTION


# %% check="encodec.averages"
# NBVAL_CHECK_OUTPUT
moving_averages = check("encodec.averages")

# %% [markdown]
# An entry that nobody chooses never moves, so nobody ever will: it is *dead*. Entries whose count has fallen below a
# limit are therefore put to where some latent of the batch is.
#
# And at the very beginning? Entries drawn at random lie nowhere near the latents. So the first batch is clustered with
# *k-means*, and its centres are the first entries. What this, and the restart, are worth is measured below.
#
# ### Losses: to sound the same
#
# Let $\mathbf{x}$ be the sound and $\hat{\mathbf{x}}$ what comes out. The first loss compares sample by sample:
#
# $$\ell_t(\mathbf{x}, \hat{\mathbf{x}}) = \lVert \mathbf{x} - \hat{\mathbf{x}} \rVert_1$$
#
# A sound shifted by half a wave is the same to an ear, and as wrong as can be to $\ell_t$. So the second loss compares
# mel spectrograms $\mathcal{S}_i$ with windows of $2^i$ samples, for $i$ in $e$, from `5` to `11`: short ones for
# moments, long ones for pitches.
#
# $$\ell_f(\mathbf{x}, \hat{\mathbf{x}}) = \frac{1}{\lvert \alpha \rvert \cdot \lvert s \rvert} \sum_{\alpha_i \in \alpha} \sum_{i \in e} \lVert \mathcal{S}_i(\mathbf{x}) - \mathcal{S}_i(\hat{\mathbf{x}}) \rVert_1 + \alpha_i \lVert \mathcal{S}_i(\mathbf{x}) - \mathcal{S}_i(\hat{\mathbf{x}}) \rVert_2 \qquad (1)$$
#
# All $\alpha_i$ are 1, so the outer sum says nothing new, and the whole is a mean over the windows. Norms that are
# sums would grow with the length of the sound. So here $\lVert \cdot \rVert_1$ is the mean of the absolute
# differences, over all sounds; and $\lVert \cdot \rVert_2$ is the root of the mean of the squared differences, for
# each sound by itself, and then the mean over the sounds. Write the term of one window.


# %% exercise="encodec.mel-loss"
def spectrogram_loss(real_NMF: Tensor, made_NMF: Tensor, alpha: float = 1.0) -> Tensor:
    """A term of equation 1, a scalar: mel spectrograms of N sounds and of what was made of them."""
    ### BEGIN SOLUTION
    difference_NMF = made_NMF - real_NMF
    squared_N = difference_NMF.square().mean(dim=(1, 2)).sqrt()
    return difference_NMF.abs().mean() + alpha * squared_N.mean()
    ### END SOLUTION


# %% check="encodec.mel-loss"
# NBVAL_CHECK_OUTPUT
spectrogram_loss = check("encodec.mel-loss")

# %% [markdown]
# ### Losses: to deceive a judge
#
# Codecs trained with these two losses alone sound muffled: where the network is not sure, it says the mean, and the
# mean of many sounds is no sound. So further networks, the *discriminators* $D_k$, learn to tell real sounds from made
# ones, and the codec learns to deceive them. Each reads a spectrogram of another window and gives scores, above zero
# for "real". There are K of them here, as in the paper.
#
# The discriminators want scores of at least 1 for real sounds and at most $-1$ for made ones; what is beyond is no
# further gain. The codec wants scores of at least 1 for what it made. Both are *hinge* losses:
#
# $$L_d(\mathbf{x}, \hat{\mathbf{x}}) = \frac1K \sum_{k=1}^K \max(0, 1 - D_k(\mathbf{x})) + \max(0, 1 + D_k(\hat{\mathbf{x}})), \qquad \ell_g(\hat{\mathbf{x}}) = \frac1K \sum_k \max(0, 1 - D_k(\hat{\mathbf{x}}))$$
#
# A discriminator gives many scores for a sound, so take the $\max$ for each score, and then the mean over the scores
# of one discriminator; $1/K$ is a mean over discriminators, not over all scores together. Discriminators differ in how
# many they give. In the second formula there is no real sound: the codec cannot change it. Write the first.


# %% exercise="encodec.discriminator"
def discriminator_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """L_d, a scalar. `real` and `made` hold the scores of each discriminator, of any shape."""
    ### BEGIN SOLUTION
    losses = [
        F.relu(1 - r).mean() + F.relu(1 + m).mean()
        for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()
    ### END SOLUTION


# %% check="encodec.discriminator"
# NBVAL_CHECK_OUTPUT
discriminator_loss = check("encodec.discriminator")

# %% [markdown]
# Scores say little: one number for many samples. Much more is in the layers of the discriminators, their *features*
# $D_k^l$. A made sound should look to every layer as the real one does. This is *feature matching*; it is *relative*
# because each layer's difference is divided by how large its numbers are, or the layer with the largest ones would
# decide alone.
#
# $$\ell_{feat}(\mathbf{x}, \hat{\mathbf{x}}) = \frac{1}{KL} \sum_{k=1}^K \sum_{l=1}^L \frac{\lVert D_k^l(\mathbf{x}) - D_k^l(\hat{\mathbf{x}}) \rVert_1}{\text{mean}(\lVert D_k^l(\mathbf{x}) \rVert_1)} \qquad (2)$$
#
# L layers each. Take means above and below. The real sound is what is aimed at: no gradient goes through its features.


# %% exercise="encodec.features"
def feature_loss(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Relative feature matching, a scalar: for each discriminator the features of its layers."""
    ### BEGIN SOLUTION
    terms = []
    for real_layers, made_layers in zip(real, made, strict=True):
        for r, m in zip(real_layers, made_layers, strict=True):
            r = r.detach()
            terms.append((r - m).abs().mean() / r.abs().mean())
    return torch.stack(terms).mean()
    ### END SOLUTION


# %% check="encodec.features"
# NBVAL_CHECK_OUTPUT
feature_loss = check("encodec.features")

# %% [markdown]
# Judges learn faster than the codec. So that they do not run away, they are updated in some steps only, by chance. The
# slides say with a probability of `0.8` at `24` kHz and `0.5` at `48` kHz. UPDATE
#
# ### A balance
#
# Now there are four losses of the output $\hat{\mathbf{x}}$: time, mel, adversarial, features. Each has a weight
# $\lambda_i$. But a loss whose numbers happen to be a hundred times larger gets a hundred times the say, and the scale
# of the adversarial ones changes as the judges learn. EnCodec's answer is the *balancer* (section 3.4, equation 5).
# Look at the gradients that the losses send back to $\hat{\mathbf{x}}$, $g_i = \partial \ell_i / \partial
# \hat{\mathbf{x}}$. Divide each by its usual length, and multiply by its weight:
#
# $$\tilde{g}_i = R \, \frac{\lambda_i}{\sum_j \lambda_j} \cdot \frac{g_i}{\langle \lVert g_i \rVert_2 \rangle_\beta} \qquad (5)$$
#
# $\langle \cdot \rangle_\beta$ is a moving average over the batches so far, and $R = 1$, $\beta = 0.999$. Then $\sum_i
# \tilde{g}_i$ is sent back into the codec in place of the gradient of $\sum_i \lambda_i \ell_i$. So $\lambda_i /
# \sum_j \lambda_j$ *is* the share of loss $i$, whatever its scale. The commitment loss does not depend on
# $\hat{\mathbf{x}}$ and stays outside.
#
# Write the sum of all $\tilde{g}_i$. To each average length add `1e-12` before you divide by it: a loss may have no
# gradient at all.


# %% exercise="encodec.balancer"
def balanced(
    gradients: list[Tensor], lengths: Tensor, weights: list[float], norm: float = 1.0
) -> Tensor:
    """The gradient for the output, of its shape: equation 5, summed over the losses.

    `gradients` holds g_i, `lengths` their average lengths, `weights` lambda_i; `norm` is R.
    The lengths are given; none is measured here.
    """
    ### BEGIN SOLUTION
    total = sum(weights)
    result = torch.zeros_like(gradients[0])
    for g, length, weight in zip(gradients, lengths, weights, strict=True):
        result = result + norm * weight / total * g / (length + 1e-12)
    return result
    ### END SOLUTION


# %% check="encodec.balancer"
# NBVAL_CHECK_OUTPUT
balanced = check("encodec.balancer")

# %% [markdown]
# ### Bits that need not be sent
#
# A code of `1024` entries costs `10` bits. But codes can be guessed: silence follows silence, and a vowel goes on. A
# small transformer reads the frames so far and says how likely each code of the next frame is (section 3.3). With an
# *arithmetic coder* a code of probability $p$ then costs $-\log_2 p$ bits: few if it was expected. How many bits the
# codes of a sound take is the sum of this over all of them. The coder, whole numbers and carries, is in
# `mmlearn/nn/arithmetic.py`; below it writes real bytes, and reads them back without a single bit changed.
