"""The parts of EnCodec against torch's own layers, the authors' package, and the paper's formulas written out."""

import math

import numpy as np
import pytest
import torch
from comparing import close, difference, perturbed
from torch import nn
from torch.nn import functional as F

from mmlearn import hub
from mmlearn.bench.peers import make_importable
from mmlearn.models.encodec_discriminator import Discriminator, DiscriminatorConfig
from mmlearn.models.encodec_lm import CodeLM, CodeLMConfig
from mmlearn.models.encodec_losses import WEIGHTS, adversarial_loss, discriminator_loss, feature_loss, time_loss
from mmlearn.nn.balancer import Balancer, balanced
from mmlearn.nn.convolution import convolve
from mmlearn.nn.mel_loss import MelLoss, spectrogram_loss
from mmlearn.nn.quantiser import (
    ResidualQuantiser,
    commitment,
    entries_of,
    k_means,
    moving_averages,
    nearest,
    quantise,
    restart,
    straight_through,
)
from mmlearn.nn.recurrent import LSTM

make_importable()


def normal(*shape: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- convolution ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "constant"])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(7, 1, 1), (3, 1, 4), (10, 5, 1), (4, 1, 1), (4, 3, 2)])
def test_a_convolution_is_its_sum_written_out(kernel, stride, dilation, padding, causal, same):
    """In numpy: all of the padding before the first sample, or half of it, one more before where that is odd."""
    x_BCT, weight_DCK, bias_D = normal(2, 3, 23), normal(4, 3, kernel, seed=3), normal(4, seed=4)
    total = (kernel - 1) * dilation + 1 - stride
    before = total if causal else math.ceil(total / 2)
    windows = math.ceil(23 / stride)
    mode = {"reflect": "reflect", "replicate": "edge", "constant": "constant"}[padding]
    x = np.pad(x_BCT.double().numpy(), [(0, 0), (0, 0), (before, total - before + windows * stride - 23)], mode)
    expected = np.zeros((2, 4, windows)) + bias_D.double().numpy()[:, None]
    for place in range(windows):
        for k in range(kernel):
            taken = x[:, :, place * stride + k * dilation]
            expected[:, :, place] += taken @ weight_DCK[:, :, k].double().numpy().T
    options = {"stride": stride, "dilation": dilation, "causal": causal, "padding": padding}
    found = convolve(x_BCT, weight_DCK, bias_D, **options)
    same(("EnCodec", "convolution, sum", f"{kernel}, {options}"), "sound", found, torch.tensor(expected).float())


# --- recurrent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 2])
def test_the_lstm_is_torchs_and_adds_its_input(layers):
    theirs = perturbed(nn.LSTM(6, 6, layers))
    ours = LSTM(6, layers)
    order = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for number, layer in enumerate(ours.layers):
        for mine, name in zip(layer.weights(), order, strict=True):
            mine.data.copy_(getattr(theirs, f"{name}_l{number}"))
    x_BCT = normal(3, 6, 9)
    expected = theirs(x_BCT.permute(2, 0, 1))[0].permute(1, 2, 0) + x_BCT
    close(ours(x_BCT), expected)


# --- the quantiser ----------------------------------------------------------------------------------------------------


def quantisers(count: int = 3, *, dead: int = 0) -> tuple[ResidualQuantiser, nn.Module]:
    """Ours and the authors', with the same buffers."""
    quantization = pytest.importorskip("encodec.quantization")
    theirs = quantization.ResidualVectorQuantizer(dimension=5, n_q=count, bins=8, threshold_ema_dead_code=dead)
    ours = ResidualQuantiser(5, count, 8, dead=dead)
    for number, layer in enumerate(theirs.vq.layers):
        book, rows = layer._codebook, slice(8 * number, 8 * number + 8)
        book.inited.fill_(1)
        for mine, name in ((ours.table, "embed"), (ours.sums, "embed_avg"), (ours.counts, "cluster_size")):
            values = normal(*getattr(book, name).shape, seed=number) * 0.5**number
            values = 3 + values.abs() if name == "cluster_size" else values
            getattr(book, name).copy_(values)
            mine[rows] = values
    return ours, theirs


@pytest.mark.parametrize("used", [1, 2, 3])
def test_quantisation_and_the_moving_averages_are_the_authors(used, same):
    ours, theirs = quantisers()
    theirs.train()
    row = ("EnCodec", "quantiser, encodec", f"{used} codebooks")
    for step in range(3):
        x, y = normal(2, 5, 40, seed=step).requires_grad_(), normal(2, 5, 40, seed=step).requires_grad_()
        z_BDF, codes_QBF, losses_Q = theirs.vq(y, n_q=used)
        found = ours(x, used)
        assert torch.equal(found.codes_BQF, codes_QBF.movedim(0, 1))
        same(row, "vectors", found.z_BDF, z_BDF)
        same(row, "errors", found.errors_Q / 5, losses_Q.flatten())
        weights = normal(2, 5, 40, seed=9)
        (found.z_BDF * weights).sum().backward()
        assert difference(x.grad, weights) == 0  # straight through
        ours.update(x.detach(), found.codes_BQF)
        for number, layer in enumerate(theirs.vq.layers[:used]):
            rows = slice(8 * number, 8 * number + 8)
            same(row, "entries", ours.table[rows], layer._codebook.embed)
            same(row, "sums", ours.sums[rows], layer._codebook.embed_avg)
            same(row, "counts", ours.counts[rows], layer._codebook.cluster_size)


def test_each_error_pulls_the_encoder_and_the_first_pulls_as_the_authors():
    ours, theirs = quantisers()
    theirs.train()
    x, y = normal(2, 5, 40).requires_grad_(), normal(2, 5, 40).requires_grad_()
    errors_Q = ours(x).errors_Q
    first, *others = (torch.autograd.grad(error, x, retain_graph=True)[0] for error in errors_Q)
    close(first / 5, torch.autograd.grad(theirs.vq(y, n_q=3)[2][0].sum(), y)[0])
    assert all(other.abs().max() > 0 for other in others)
    # Equation 3: the slope of ||z_c - q_c||^2, a mean over 80 vectors, is twice what is left.
    left = x.detach() - ours.decode(ours.encode(x.detach()))
    close(others[-1], 2 * left / 80)


def test_what_is_nearly_a_tie_is_rounded_as_by_the_authors():
    """Vectors far from zero and near each other: their distances are lost in rounding, and codes still agree."""
    ours, theirs = quantisers()
    for number, layer in enumerate(theirs.vq.layers):
        layer._codebook.embed.mul_(1e-4).add_(30.0 if number == 0 else 0.0)
        ours.table[8 * number : 8 * number + 8] = layer._codebook.embed
    x_BDF = 30 + 1e-4 * normal(4, 5, 500)
    assert torch.equal(ours.encode(x_BDF), theirs.vq.encode(x_BDF).movedim(0, 1))
    exact = torch.cdist(x_BDF.mT.double(), ours.book(0).double()).argmin(-1)
    assert (ours.encode(x_BDF, 1)[:, 0] != exact).any(), "nothing is near a tie here"


@pytest.mark.parametrize("rounds", [1, 3, 40])
def test_k_means_is_scikit_learns_from_the_same_centres(rounds, same):
    cluster = pytest.importorskip("sklearn.cluster")
    x_ND, start_KD = normal(200, 3), normal(200, 3)[:6]
    theirs = cluster.KMeans(6, init=start_KD.numpy(), n_init=1, max_iter=rounds, tol=0, algorithm="lloyd")
    theirs.fit(x_ND.numpy())
    centres_KD, counts_K = k_means(x_ND, start_KD, rounds)
    same(
        ("EnCodec", "k-means, scikit-learn", f"{rounds} rounds"),
        "centres",
        centres_KD,
        torch.tensor(theirs.cluster_centers_),
    )
    if rounds == 40:
        assert counts_K.tolist() == np.bincount(theirs.labels_).tolist()


def test_a_centre_without_vectors_stays():
    far_KD = torch.tensor([[0.0, 0.0], [100.0, 100.0]])
    centres_KD, counts_K = k_means(normal(30, 2), far_KD, 5)
    assert torch.equal(centres_KD[1], far_KD[1]) and counts_K.tolist() == [30, 0]


def test_nearest_is_the_shortest_distance():
    x_ND, entries_KD = normal(200, 5), normal(9, 5, seed=3)
    assert torch.equal(nearest(x_ND, entries_KD), torch.cdist(x_ND.double(), entries_KD.double()).argmin(1))


def test_codebooks_correct_each_other_as_written_out(same):
    """SoundStream's algorithm 1, vector by vector in numpy, with its commitment and its slopes."""
    x_ND, books = normal(20, 3).requires_grad_(), [normal(6, 3, seed=n) * 0.5**n for n in range(4)]
    codes, stages, terms = np.zeros((4, 20), int), np.zeros((4, 20, 3)), np.zeros(4)
    for n, x in enumerate(x_ND.detach().double().numpy()):
        left = x
        for q, book in enumerate(books):
            codes[q, n] = ((left - book.double().numpy()) ** 2).sum(1).argmin()
            left = left - book[codes[q, n]].double().numpy()
            stages[q, n] = x - left
            terms[q] += (left**2).sum() / 20
    codes_QN, said_QND = quantise(x_ND.detach(), books)
    assert np.array_equal(codes_QN.numpy(), codes)
    row = ("EnCodec", "quantiser, algorithm 1", "4 codebooks")
    same(row, "vectors", said_QND, torch.tensor(stages).float())
    terms_Q = commitment(x_ND, said_QND)
    same(row, "commitment", terms_Q, torch.tensor(terms).float())
    slopes = [torch.autograd.grad(term, x_ND, retain_graph=True)[0] for term in terms_Q]
    for slope, said_ND in zip(slopes, said_QND, strict=True):
        same(row, "its slope", slope, 2 * (x_ND - said_ND).detach() / 20)
    out_ND, weights = straight_through(x_ND, said_QND[-1]), normal(20, 3, seed=9)
    close(out_ND, said_QND[-1])
    assert torch.equal(torch.autograd.grad((out_ND * weights).sum(), x_ND)[0], weights)


def test_what_was_said_gets_no_gradient_from_the_commitment():
    x_ND, said_QND = normal(6, 3).requires_grad_(), normal(2, 6, 3, seed=3).requires_grad_()
    commitment(x_ND, said_QND).sum().backward()
    assert said_QND.grad is None and x_ND.grad.abs().min() > 0


def test_moving_averages_are_the_appendix_of_vq_vae_written_out():
    x_ND, codes_N = normal(30, 3), torch.arange(30) % 4
    sums_KD, counts_K = normal(5, 3, seed=3), 2 + normal(5, seed=4).abs()
    new_KD, new_K = moving_averages(sums_KD, counts_K, x_ND, codes_N, 0.9)
    smooth = (new_K + 1e-5) / (new_K.sum() + 5e-5) * new_K.sum()
    for k in range(5):
        chosen = x_ND[codes_N == k]
        close(new_KD[k], 0.9 * sums_KD[k] + 0.1 * chosen.sum(0))
        close(new_K[k], 0.9 * counts_K[k] + 0.1 * len(chosen))
        close(entries_of(new_KD, new_K)[k], new_KD[k] / smooth[k])
    assert entries_of(sums_KD, torch.tensor([0.0, 1, 1, 1, 1])).isfinite().all()


def test_only_what_is_hardly_chosen_starts_anew():
    entries_KD, sums_KD, other_KD = (normal(4, 3, seed=n) for n in range(3))
    counts_K = torch.tensor([1.9, 2.0, 0.0, 7.0])
    found = restart(entries_KD, sums_KD, counts_K, other_KD, 2.0)
    for k, dead in enumerate([True, False, True, False]):
        assert torch.equal(found[0][k], (other_KD if dead else entries_KD)[k])
        assert torch.equal(found[1][k], (2 * other_KD if dead else sums_KD)[k])
    assert found[2].tolist() == [2, 2, 2, 7]


def test_k_means_finds_clusters_that_are_far_apart():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x_ND = (centres[:, None] + 0.1 * normal(3, 50, 2)).flatten(0, 1)
    generator = torch.Generator().manual_seed(1)
    found, counts = k_means(x_ND, x_ND[torch.randperm(150, generator=generator)[:3]], 20)
    expected = x_ND.unflatten(0, (3, 50)).mean(1)
    order = torch.cdist(expected, found).argmin(1)
    close(found[order], expected)
    assert counts.tolist() == [50, 50, 50]


def test_a_start_makes_every_codebook_say_what_is_left():
    ours, z_BDF = ResidualQuantiser(5, 3, 8), normal(4, 5, 60)
    ours.start(z_BDF, generator=torch.Generator().manual_seed(0))
    errors = ours(z_BDF).errors_Q
    assert errors[0] < 0.6 * z_BDF.square().sum(1).mean() and (errors[1:] < 0.8 * errors[:-1]).all()
    assert ours.started.tolist() == [1, 1, 1]
    close(ours.sums, ours.table * ours.counts[:, None])


def test_an_entry_that_nobody_chooses_starts_anew_and_stays():
    ours, z_BDF = ResidualQuantiser(5, 1, 8, dead=2.0), normal(4, 5, 60)
    ours.start(z_BDF, generator=torch.Generator().manual_seed(0))
    ours.table[3] = ours.sums[3] = 1000.0  # far from everything
    ours.counts[3] = 1.0
    ours.update(z_BDF, ours.encode(z_BDF), generator=torch.Generator().manual_seed(1))
    vectors = z_BDF.mT.flatten(0, 1)
    assert (vectors == ours.table[3]).all(1).any() and ours.counts[3] == 2
    close(ours.sums[3] / ours.counts[3], ours.table[3])
    assert (ours.encode(z_BDF) == 3).any()


# --- the balancer -----------------------------------------------------------------------------------------------------


def test_the_balancer_is_equation_5(same):
    """Written out in numpy: lengths of each item, their mean, and a moving average that is whole from the start."""
    weights, beta = {"a": 0.1, "b": 1.0, "c": 3.0}, 0.9
    balancer, totals, fixes = Balancer(weights, norm=2.0, decay=beta), dict.fromkeys(weights, 0.0), 0.0
    for step in range(4):
        x = normal(3, 2, 7, seed=step).requires_grad_()
        losses = {"c": x.pow(4).sum(), "a": 100 * x.abs().mean(), "b": (x.sin() * (step + 1)).sum()}
        found = balancer(losses, x)
        gradients = {n: torch.autograd.grad(losses[n], x, retain_graph=True)[0].double().numpy() for n in weights}
        fixes, expected = fixes * beta + 1, 0
        for name, g in gradients.items():
            totals[name] = totals[name] * beta + np.mean([np.sqrt((item**2).sum()) for item in g])
            expected = expected + 2.0 * weights[name] / 4.1 * g / (totals[name] / fixes)
        same(("EnCodec", "balancer, equation 5", f"step {step}"), "gradient", found, torch.tensor(expected).float())


def test_equation_5_is_a_sum_of_shares():
    gradients, lengths = [normal(2, 3, seed=n) for n in range(3)], torch.tensor([0.5, 2.0, 4.0])
    expected = 10 * (0.1 * gradients[0] / 0.5 + 1.0 * gradients[1] / 2 + 3.0 * gradients[2] / 4) / 4.1
    close(balanced(gradients, lengths, [0.1, 1.0, 3.0], norm=10.0), expected)


def test_weights_of_the_balancer_are_shares_of_the_gradient():
    """Whatever the losses' scales: two that pull at right angles, with weights of 1 to 3."""
    x = torch.zeros(2, 4).requires_grad_()
    found = Balancer({"a": 1.0, "b": 3.0})({"a": 1e-3 * x[:, 0].sum(), "b": 1e6 * x[:, 1].sum()}, x)
    close(found, torch.tensor([[0.25, 0.75, 0, 0]] * 2))


def test_commitment_and_balanced_losses_go_back_together():
    x = normal(2, 3).requires_grad_()
    output, commitment = 2 * x, x.square().sum()
    gradient = Balancer({"a": 1.0})({"a": output.sum()}, output)
    torch.autograd.backward((output, commitment), (gradient, None))
    close(x.grad, 2 * gradient + 2 * x.detach())


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": 1.0, "b": -1.0}])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ValueError, match="weights are positive"):
        Balancer(weights)


def test_losses_without_a_weight_are_refused():
    x = torch.zeros(2, 3).requires_grad_()
    with pytest.raises(ValueError, match="losses came for b"):
        Balancer({"a": 1.0})({"b": x.sum()}, x)


# --- discriminators ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
def test_the_discriminator_is_the_authors(channels, same):
    msstftd = pytest.importorskip("encodec.msstftd")
    config = DiscriminatorConfig(windows=(64, 128, 32), filters=4, channels=channels)
    windows = list(config.windows)
    theirs = msstftd.MultiScaleSTFTDiscriminator(
        4, in_channels=channels, n_ffts=windows, win_lengths=windows, hop_lengths=[w // 4 for w in windows]
    )
    theirs = perturbed(theirs)
    state = {}
    for name, tensor in theirs.state_dict().items():
        if "spec_transform" in name:
            continue
        name = (
            name.replace("discriminators.", "networks.").replace("conv_post.conv", "score").replace("convs.", "layers.")
        )
        name = name.replace(".conv.", ".").replace("weight_g", "gain").replace("weight_v", "direction")
        state[name] = tensor
    ours = Discriminator(config)
    ours.load_state_dict(state)
    x, y = normal(2, channels, 300).requires_grad_(), normal(2, channels, 300).requires_grad_()
    scores, features = theirs(y)
    judged = ours(x)
    row = ("EnCodec", "discriminator, encodec", f"{channels} channels")
    for one, s, f in zip(judged, scores, features, strict=True):
        same(row, "scores", one.scores_B1FK, s)
        for a, b in zip(one.features, f, strict=True):
            same(row, "features", a, b)
    adversarial_loss([one.scores_B1FK for one in judged]).backward()
    torch.stack([F.relu(1 - s).mean() for s in scores]).mean().backward()
    same(row, "gradient", x.grad, y.grad)


def test_left_and_right_are_judged_apart():
    judge, x_BCT = Discriminator(DiscriminatorConfig(windows=(32,), filters=4)), normal(2, 2, 100)
    (both,) = judge(x_BCT)
    (left,) = judge(x_BCT[:, :1])
    close(both.scores_B1FK[::2], left.scores_B1FK)


# --- losses -----------------------------------------------------------------------------------------------------------


def test_weights_are_those_of_section_4_4():
    low, high = WEIGHTS["24khz"], WEIGHTS["48khz"]
    assert low.balanced() == {"time": 0.1, "mel": 1, "adversarial": 3, "features": 3}
    assert high.balanced() == {"time": 0.1, "mel": 1, "adversarial": 4, "features": 4}
    assert (low.discriminator_updates, high.discriminator_updates) == (2 / 3, 0.5)


def test_hinges_are_the_papers_on_both_sides_of_one():
    real, made = ([shift + 3 * normal(3, 1, n, 9, seed=n) for n in (4, 5)] for shift in (0.7, -1.5))
    for scores in (real, made):
        assert all((one < -1).any() and (one > 1).any() for one in scores)
    r, m = ([one.double().numpy() for one in scores] for scores in (real, made))
    expected = sum(np.maximum(0, 1 - a).mean() + np.maximum(0, 1 + b).mean() for a, b in zip(r, m, strict=True)) / 2
    assert discriminator_loss(real, made).item() == pytest.approx(expected, rel=1e-6)
    assert adversarial_loss(made).item() == pytest.approx(sum(np.maximum(0, 1 - b).mean() for b in m) / 2, rel=1e-6)


def test_the_loss_over_time_is_torchs():
    real, made = normal(2, 1, 50), normal(2, 1, 50, seed=3)
    close(time_loss(real, made), F.l1_loss(made, real))


def test_a_spectrogram_loss_is_a_mean_over_sounds():
    """Of each sound the mean difference, and the root of the mean square; a root of the mean of all is another."""
    real, made = normal(2, 4, 5), normal(2, 4, 5, seed=3)
    made[1] *= 10
    terms = [(r - m).abs().mean() + 3 * (r - m).square().mean().sqrt() for r, m in zip(real, made, strict=True)]
    close(spectrogram_loss(real, made, 3.0), sum(terms) / 2)


def test_features_of_real_sounds_get_no_gradient():
    real, made = ([[normal(2, 3, seed=seed).requires_grad_()]] for seed in (2, 3))
    feature_loss(real, made).backward()
    assert real[0][0].grad is None and made[0][0].grad.abs().min() > 0


def test_the_losses_of_codec_and_discriminator_are_the_papers():
    judge = perturbed(Discriminator(DiscriminatorConfig(windows=(32, 64), filters=4)))
    real, made = judge(normal(2, 1, 200)), judge(normal(2, 1, 200, seed=3))
    hinge = np.mean([np.maximum(0, 1 - m.scores_B1FK.detach().numpy()).mean() for m in made])
    scores = [[judged.scores_B1FK for judged in both] for both in (real, made)]
    assert adversarial_loss(scores[1]).item() == pytest.approx(hinge, rel=1e-5)
    both = [
        np.maximum(0, 1 - r.scores_B1FK.detach().numpy()).mean()
        + np.maximum(0, 1 + m.scores_B1FK.detach().numpy()).mean()
        for r, m in zip(real, made, strict=True)
    ]
    assert discriminator_loss(*scores).item() == pytest.approx(np.mean(both), rel=1e-5)
    relative = [
        (r - m).abs().mean().item() / r.abs().mean().item()
        for one, other in zip(real, made, strict=True)
        for r, m in zip(one.features, other.features, strict=True)
    ]
    features = [[judged.features for judged in both] for both in (real, made)]
    assert feature_loss(*features).item() == pytest.approx(np.mean(relative), rel=1e-5)


@pytest.mark.filterwarnings("ignore:Empty filters")
def test_the_mel_loss_is_equation_1_with_librosas_spectrograms(same):
    librosa = pytest.importorskip("librosa")
    real, made = 0.1 * normal(1, 1, 6000), 0.1 * normal(1, 1, 6000, seed=3)
    terms = []
    for window in (32, 256, 2048):
        options = {"sr": 24_000, "n_fft": window, "hop_length": window // 4, "n_mels": 64, "htk": True, "norm": None}
        r, m = (
            librosa.feature.melspectrogram(y=x[0, 0].double().numpy(), power=1.0, pad_mode="constant", **options)
            / math.sqrt((librosa.filters.get_window("hann", window) ** 2).sum())
            for x in (real, made)
        )
        terms.append(np.abs(r - m).mean() + 1.0 * math.sqrt(((r - m) ** 2).mean()))
    loss = MelLoss(24_000, windows=(32, 256, 2048))(real, made)
    same(("EnCodec", "losses, librosa", "mel"), "l_f", loss, torch.tensor(np.mean(terms)).float())


def test_losses_of_silence_have_slopes():
    """Equal sounds, and silence: roots and norms have no slope there, and must not give NaN."""
    for made in (torch.zeros(1, 1, 4000), 0.1 * normal(1, 1, 4000)):
        x = made.clone().requires_grad_()
        MelLoss(8000)(made, x).backward()
        assert x.grad.isfinite().all()


# --- the language model -----------------------------------------------------------------------------------------------

LMS = {
    "short context": CodeLMConfig(3, 16, 4, dim=24, layers=2, heads=8),
    "long context": CodeLMConfig(2, 32, 50, dim=16, layers=3, heads=8),
}


@pytest.mark.parametrize("case", LMS)
def test_the_language_model_is_the_authors(case, tmp_path, same):
    encodec = pytest.importorskip("encodec.model")
    c = LMS[case]
    theirs = encodec.LMModel(c.codebooks, c.entries, c.dim, num_layers=c.layers, past_context=c.context)
    theirs = perturbed(theirs)
    torch.save(theirs.state_dict(), tmp_path / "lm.th")
    ours = hub.load(tmp_path / "lm.th", c)
    codes_BQF = torch.randint(c.entries, (2, c.codebooks, 13), generator=torch.Generator().manual_seed(4))
    before_BQF = F.pad(1 + codes_BQF[:, :, :-1], (1, 0))
    row = ("EnCodec", "language model, encodec", case)
    with torch.no_grad():
        expected = theirs(before_BQF)[0].permute(0, 2, 3, 1)
        same(row, "probabilities", ours(codes_BQF).softmax(-1), expected)
        state, states, offset = ours.start(2), None, 0
        for frame in range(13):
            scores_BQK, state = ours.step(before_BQF[:, :, frame], state)
            stepped, states, offset = theirs(before_BQF[:, :, frame : frame + 1], states, offset)
            same(row, "steps", scores_BQK.softmax(-1), stepped[..., 0].permute(0, 2, 1))
        # At a lower bandwidth the first codebooks alone.
        fewer = theirs(before_BQF[:, :2])[0].permute(0, 2, 3, 1)
        same(row, "two codebooks", ours(codes_BQF[:, :2]).softmax(-1), fewer)
    hub.save(ours, tmp_path / "ours")
    again = hub.load(tmp_path / "ours", c)
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in ours.state_dict().items())


def test_published_language_models_have_the_authors_tensors():
    encodec = pytest.importorskip("encodec.model")
    from comparing import official_shapes

    from mmlearn.models.encodec_lm import PRESETS

    for name in ("24khz", "48khz"):
        c = PRESETS[name]
        theirs = encodec.LMModel(c.codebooks, c.entries, num_layers=5, dim=200, past_context=c.context)
        shapes = official_shapes(CodeLM(c, device="meta"), "encodec-lm")
        assert shapes == {n: tuple(t.shape) for n, t in theirs.state_dict().items()}


def test_more_codebooks_than_the_model_knows_are_refused():
    with pytest.raises(ValueError, match="knows 3 codebooks; the codes have 4"):
        CodeLM(LMS["short context"])(torch.zeros(1, 4, 2, dtype=torch.int64))
