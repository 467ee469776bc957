# %% [markdown]
# # 15 · EnCodec
#
# A codec writes a sound as few bits and makes a sound of them again. MP3 and Opus were designed by people who know what an
# ear does not notice. EnCodec learns it: a network turns each fiftieth of a second into some whole numbers, and another network
# turns them back. Whole numbers are also what a language model reads and writes, so codecs like this are how such models hear and speak.
# *The paper* below is Défossez et al. 2022, [High Fidelity Neural Audio Compression](https://arxiv.org/abs/2210.13438).
#
# **You will** write the parts of the codec: convolutions that run while the sound is still being made, the quantiser, all of its losses, and
# what keeps them in balance. You train a small codec and listen to a longer-trained one, beside Opus, at equal bits. **You
# need** lesson 14 for spectrograms and mel bins.

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
# A second of speech at `16000` samples of two bytes is `256` thousand bits. Opus, the codec of video calls, makes do with `12` thousand
# and sounds well; below `8` thousand it falls apart. EnCodec's question: how far down can one go if the codec is learned?
#
# The picture shows the way of a sound through the codec. The row of numbers in the middle is all that is sent.

# %% id="the-idea"
codec = zoo.load("toy-codec")

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **C** channels, **T** samples, **F** frames, **D** width of a latent, the vector of a frame. **Q** codebooks,
# **K** entries of a codebook, **N** vectors of all items and frames.
#
# ### A convolution that runs live
#
# In a call nobody can wait for the end of a sentence. A *causal* convolution looks only backwards: with a kernel of K samples,
#
# $$y_t = b + \sum_{k=0}^{K-1} w_k \, x_{t - (K - 1) + k}$$
#
# (Here K counts the samples of a kernel; elsewhere in this lesson it counts entries.) What comes out at $t$ needs $x_t$ and the K − 1 samples before it. So a stream can be cut into pieces of any length: keep the last K − 1
# samples, put them before the next piece, and no sample is made up but those before the first one, which are zeros. What is kept is called
# the *state*. The pieces, end to end, must be exactly what the whole sound would have given.
#
# `F.conv1d(x, weight, bias)` is the sum above without anything at the ends: K − 1 fewer samples come out than go in.


# %% exercise="encodec.stream"
def convolve_piece(
    piece_BCT: Tensor, before_BCS: Tensor, weight_DCK: Tensor, bias_D: Tensor
) -> tuple[Tensor, Tensor]:
    """The next piece of a causal convolution, and what the piece after it needs.

    `before_BCS` holds the S = K - 1 samples before the piece. Returns [B, D, T], as many samples as
    the piece has, and the new state [B, C, S]. A piece may be shorter than S.
    """
    ### BEGIN SOLUTION
    S = weight_DCK.shape[2] - 1
    joined_BCT = torch.cat([before_BCS, piece_BCT], dim=2)
    out_BDT = F.conv1d(joined_BCT, weight_DCK, bias_D)
    return out_BDT, joined_BCT[:, :, joined_BCT.shape[2] - S :]
    ### END SOLUTION


# %% check="encodec.stream"
# NBVAL_CHECK_OUTPUT
convolve_piece = check("encodec.stream")

# %% [markdown]
# ### Residual vector quantisation
#
# The encoder gives a vector $\mathbf{z}$ of D numbers for each frame, the *latent*. Numbers with all their decimals are too many bits. *Vector quantisation* keeps a
# list of K vectors, the *codebook*, and sends only which entry is nearest: $\log_2 K$ bits. With `10` bits for a frame there are `1024` entries. With `80` bits there would
# have to be $2^{80}$, and nobody can store them.
#
# So quantise in steps (section 3.2). The first codebook says the rough. What is left over, the *residual*, goes to the second, which says the rest; and so on. Q codebooks
# of `1024` entries cost `10` Q bits a frame and store only `1024` Q vectors. And whoever wants fewer bits leaves the last codebooks out: one model for many bitrates.
#
# $$\mathbf{z}_1 = \mathbf{z}, \qquad \mathbf{z}_{c+1} = \mathbf{z}_c - q_c(\mathbf{z}_c), \qquad \hat{\mathbf{z}} = \sum_{c=1}^{Q} q_c(\mathbf{z}_c)$$
#
# $q_c(\mathbf{z}_c)$ is the entry of codebook $c$ that is nearest to what the codebooks before it left over. The paper writes C for the number of codebooks in use; here it is Q.
#
# *Straight through.* Choosing the nearest entry has no gradient. So on the way back one pretends that nothing was chosen: the gradient of $\hat{\mathbf{z}}$ is given to $\mathbf{z}$ as it is. In code,
# `z + (z_hat - z).detach()` has the value of `z_hat` and the gradient of `z`.
#
# *Commitment.* The encoder should stay near entries, or the codebooks run after it. The loss for it, with no gradient to the entries:
#
# $$\ell_w = \sum_{c=1}^{Q} \lVert \mathbf{z}_c - q_c(\mathbf{z}_c) \rVert_2^2 \qquad (3)$$
#
# as a mean over the N vectors.


# %% exercise="encodec.quantise"
def quantise(z_ND: Tensor, books_QKD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latents as codes: [N, D] and codebooks [Q, K, D].

    Returns the codes [N, Q]; the quantised latents [N, D], with the gradient straight through; and
    the commitment loss, a scalar.
    """
    ### BEGIN SOLUTION
    left_ND, said_ND = z_ND, torch.zeros_like(z_ND)
    codes, commitment = [], 0.0
    for entries_KD in books_QKD.detach():
        codes_N = torch.cdist(left_ND, entries_KD).argmin(dim=1)
        chosen_ND = entries_KD[codes_N]  # q_c(z_c)
        left_ND, said_ND = left_ND - chosen_ND, said_ND + chosen_ND
        commitment = commitment + left_ND.square().sum(dim=1).mean()
        codes.append(codes_N)
    straight_ND = z_ND + (said_ND - z_ND).detach()
    return torch.stack(codes, dim=1), straight_ND, commitment
    ### END SOLUTION


# %% check="encodec.quantise"
# NBVAL_CHECK_OUTPUT
quantise = check("encodec.quantise")

# %% [markdown]
# ### How a codebook learns
#
# Codebooks get no gradient. Each entry moves to the mean of the latents that chose it, as a *moving average* over batches (section 3.2; van den Oord et al. 2017, appendix
# A.1). For entry $k$ keep a count $n_k$ of the latents that chose it and their sum $\mathbf{m}_k$. With $\beta$ near 1:
#
# $$n_k \leftarrow \beta\, n_k + (1 - \beta) \lvert \{ \mathbf{x} \to k \} \rvert, \qquad \mathbf{m}_k \leftarrow \beta\, \mathbf{m}_k + (1 - \beta) \sum_{\mathbf{x} \to k} \mathbf{x}, \qquad \mathbf{e}_k = \mathbf{m}_k / n_k$$
#
# $\mathbf{x} \to k$ are the latents of the batch that chose entry $k$.
#
# *Dead entries.* An entry that nobody chooses never moves, so nobody ever will. An entry whose count has fallen below `dead` starts anew: it becomes a latent of this batch, given in
# `spare_KD`, with the count `dead`, and with the sum that fits both. (The paper draws the latents at random; here they are an argument.)


# %% exercise="encodec.codebook"
def moved(
    sums_KD: Tensor,
    counts_K: Tensor,
    x_ND: Tensor,
    codes_N: Tensor,
    spare_KD: Tensor,
    decay: float,
    dead: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """A codebook after a batch: its entries [K, D], sums [K, D] and counts [K].

    `x_ND` are the latents that this codebook was given, `codes_N` which entry each chose.
    """
    ### BEGIN SOLUTION
    K = len(counts_K)
    chose_NK = F.one_hot(codes_N, K).to(x_ND.dtype)
    counts_K = decay * counts_K + (1 - decay) * chose_NK.sum(dim=0)
    sums_KD = decay * sums_KD + (1 - decay) * chose_NK.T @ x_ND
    gone_K1 = (counts_K < dead)[:, None]
    counts_K = counts_K.clamp(min=dead)
    sums_KD = torch.where(gone_K1, dead * spare_KD, sums_KD)
    return sums_KD / counts_K[:, None], sums_KD, counts_K
    ### END SOLUTION


# %% check="encodec.codebook"
# NBVAL_CHECK_OUTPUT
moved = check("encodec.codebook")

# %% [markdown]
# And at the very beginning? Entries drawn at random lie nowhere near the latents. So the first batch is clustered with *k-means*, and its centres are the first entries. What this, and the restart,
# are worth is measured below.
#
# ### Losses: to sound the same
#
# Let $\mathbf{x}$ be the sound and $\hat{\mathbf{x}}$ what comes out. The first loss compares sample by sample:
#
# $$\ell_t(\mathbf{x}, \hat{\mathbf{x}}) = \lVert \mathbf{x} - \hat{\mathbf{x}} \rVert_1 \qquad (1)$$
#
# A sound shifted by half a wave is the same to an ear, and as wrong as can be to $\ell_t$. So the second loss compares mel spectrograms $\mathcal{S}_i$, of windows $2^i$ for $i$ from `5` to `11`: short ones
# for moments, long ones for pitches.
#
# $$\ell_f(\mathbf{x}, \hat{\mathbf{x}}) = \frac{1}{\lvert \alpha \rvert \cdot \lvert s \rvert} \sum_{\alpha_i \in \alpha} \sum_{i \in e} \lVert \mathcal{S}_i(\mathbf{x}) - \mathcal{S}_i(\hat{\mathbf{x}}) \rVert_1 + \alpha_i \lVert \mathcal{S}_i(\mathbf{x}) - \mathcal{S}_i(\hat{\mathbf{x}}) \rVert_2 \qquad (2)$$
#
# The paper sets all $\alpha_i$ to 1, so the outer sum says nothing new: it is the mean over the windows. A sum over all numbers would grow with the length of the sound. So here $\lVert \cdot \rVert_1$ is the mean of the
# absolute differences, and $\lVert \cdot \rVert_2$ the root of the mean of the squared ones, for each item; then the mean over items. You are given the spectrograms, one [B, M, F] for each window.


# %% exercise="encodec.mel-loss"
def mel_loss(real: list[Tensor], made: list[Tensor], alpha: float = 1.0) -> Tensor:
    """Equation 2 with means for norms, a scalar: spectrograms [B, M, F] of each window."""
    ### BEGIN SOLUTION
    terms = []
    for real_BMF, made_BMF in zip(real, made, strict=True):
        difference_BMF = made_BMF - real_BMF
        squared_B = difference_BMF.square().mean(dim=(1, 2)).sqrt()
        terms.append(difference_BMF.abs().mean() + alpha * squared_B.mean())
    return torch.stack(terms).mean()
    ### END SOLUTION


# %% check="encodec.mel-loss"
# NBVAL_CHECK_OUTPUT
mel_loss = check("encodec.mel-loss")

# %% [markdown]
# ### Losses: to deceive a judge
#
# Codecs trained with these two losses alone sound muffled: where the network is not sure, it says the mean, and the mean of many sounds is no sound. So further networks, the *discriminators* $D_k$, learn to tell real sounds from
# made ones, and the codec learns to deceive them. Each reads a spectrogram of another window and gives scores, above zero for "real". There are K of them here, as in the paper.
#
# The discriminators want scores of at least 1 for real sounds and at most $-1$ for made ones; what is beyond is no further gain. The codec wants scores of at least 1 for what it made. Both are *hinge* losses:
#
# $$L_d(\mathbf{x}, \hat{\mathbf{x}}) = \frac1K \sum_{k=1}^K \max(0, 1 - D_k(\mathbf{x})) + \max(0, 1 + D_k(\hat{\mathbf{x}})), \qquad \ell_g(\hat{\mathbf{x}}) = \frac1K \sum_k \max(0, 1 - D_k(\hat{\mathbf{x}}))$$
#
# A discriminator gives many scores for a sound, so each $\max$ is a mean over them. Discriminators may differ in how many they give. When they learn, the codec must not: take the scores in $L_d$ of `made`
# as they come; detaching the sound is up to whoever calls.


# %% exercise="encodec.adversarial"
def adversarial_losses(
    real: list[Tensor], made: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """The codec's loss l_g and the discriminators' loss L_d, two scalars.

    `real` and `made` hold the scores of each discriminator, of any shape.
    """
    ### BEGIN SOLUTION
    generator = [F.relu(1 - score).mean() for score in made]
    pairs = zip(real, made, strict=True)
    discriminator = [F.relu(1 - r).mean() + F.relu(1 + m).mean() for r, m in pairs]
    return torch.stack(generator).mean(), torch.stack(discriminator).mean()
    ### END SOLUTION


# %% check="encodec.adversarial"
# NBVAL_CHECK_OUTPUT
adversarial_losses = check("encodec.adversarial")

# %% [markdown]
# Scores say little: one number for many samples. Much more is in the layers of the discriminators, their *features* $D_k^l$. A made sound should look to every layer as the real one does. This is *feature matching*; it is
# *relative* because each layer's difference is divided by how large its numbers are, or the layer with the largest ones would decide alone.
#
# $$\ell_{feat}(\mathbf{x}, \hat{\mathbf{x}}) = \frac{1}{KL} \sum_{k=1}^K \sum_{l=1}^L \frac{\lVert D_k^l(\mathbf{x}) - D_k^l(\hat{\mathbf{x}}) \rVert_1}{\text{mean}(\lVert D_k^l(\mathbf{x}) \rVert_1)}$$
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
# Judges learn faster than the codec. So that they do not run away, they are updated in some steps only, by chance. The slides say with a probability of `0.8` at `24` kHz and `0.5` at `48` kHz. UPDATE
#
# ### A balance
#
# Now there are four losses of the output $\hat{\mathbf{x}}$: time, mel, adversarial, features. Each has a weight $\lambda_i$. But a loss whose numbers happen to be a hundred times larger gets a hundred times the say, and the scale of the
# adversarial ones changes as the judges learn. EnCodec's answer is the *balancer* (section 3.4, equation 5). Look at the gradients that the losses send back to $\hat{\mathbf{x}}$, $g_i = \partial \ell_i / \partial \hat{\mathbf{x}}$. Divide each by its usual length, and multiply by its weight:
#
# $$\tilde{g}_i = R \, \frac{\lambda_i}{\sum_j \lambda_j} \cdot \frac{g_i}{\langle \lVert g_i \rVert_2 \rangle_\beta} \qquad (5)$$
#
# $\langle \cdot \rangle_\beta$ is a moving average over the batches so far, and $R = 1$, $\beta = 0.999$. Then $\sum_i \tilde{g}_i$ is sent back into the codec in place of the gradient of $\sum_i \lambda_i \ell_i$. So $\lambda_i / \sum_j \lambda_j$ *is* the share of loss $i$, whatever its scale. The commitment loss does not depend on $\hat{\mathbf{x}}$ and stays outside.
#
# $\lVert g_i \rVert_2$ is the length of each item's gradient, as a mean over the batch. The moving average must be right from the first step on. So keep two numbers, a sum and the weight of the steps in it, and divide:
#
# $$\text{sum} \leftarrow \beta \, \text{sum} + \lVert g_i \rVert_2, \qquad \text{weight} \leftarrow \beta \, \text{weight} + 1, \qquad \langle \lVert g_i \rVert_2 \rangle_\beta = \text{sum} / \text{weight}$$
#
# To the average add `1e-12` before you divide by it: a loss may have no gradient at all. `torch.autograd.grad(loss, output, retain_graph=True)[0]` is $g_i$.


# %% exercise="encodec.balancer"
class Balancer(nn.Module):
    """Gives each loss its share of the gradient, whatever its scale."""

    def __init__(
        self, weights: dict[str, float], *, norm: float = 1.0, decay: float = 0.999
    ) -> None:
        super().__init__()
        self.weights, self.norm, self.decay = dict(weights), norm, decay  # lambda_i, R, beta
        self.register_buffer("lengths", torch.zeros(len(weights)))  # the sums, in the order of weights
        self.register_buffer("seen", torch.zeros(()))  # the weight of all steps so far

    def forward(self, losses: dict[str, Tensor], output: Tensor) -> Tensor:
        """The gradient for the output [B, ...], the sum of equation 5. `lengths` and `seen` move."""
        ### BEGIN SOLUTION
        gradients = [
            torch.autograd.grad(losses[name], output, retain_graph=True)[0]
            for name in self.weights
        ]
        lengths = torch.stack([g.flatten(1).norm(dim=1).mean() for g in gradients])
        self.lengths.mul_(self.decay).add_(lengths)
        self.seen.mul_(self.decay).add_(1)
        averages = self.lengths / self.seen
        total = sum(self.weights.values())
        result = torch.zeros_like(output)
        for weight, g, average in zip(self.weights.values(), gradients, averages, strict=True):
            result = result + self.norm * weight / total * g / (average + 1e-12)
        return result
        ### END SOLUTION


# %% check="encodec.balancer"
# NBVAL_CHECK_OUTPUT
Balancer = check("encodec.balancer")

# %% [markdown]
# ### Bits that need not be sent
#
# A code of `1024` entries costs `10` bits. But codes can be guessed: silence follows silence, and a vowel goes on. A small transformer reads the frames so far and says how likely each code of the next frame is (section 3.3). With an *arithmetic coder* a code of
# probability $p$ then costs $-\log_2 p$ bits: few if it was expected. The coder itself, whole numbers and carries, is in `mmlearn/nn/arithmetic.py`. What it will need can be said before: the sum over all codes. The model gives
# *scores* before the softmax.


# %% exercise="encodec.bits"
def code_bits(scores_BQFK: Tensor, codes_BQF: Tensor) -> Tensor:
    """How many bits the codes of each item take if they are guessed so: [B]."""
    ### BEGIN SOLUTION
    log_p_BQFK = scores_BQFK.log_softmax(dim=3) / math.log(2)
    chosen_BQF1 = log_p_BQFK.gather(3, codes_BQF[..., None])
    return -chosen_BQF1.sum(dim=(1, 2, 3))
    ### END SOLUTION


# %% check="encodec.bits"
# NBVAL_CHECK_OUTPUT
code_bits = check("encodec.bits")
