from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from automl.cli.main import main
from automl.errors import TrainingError
from automl.queue.gpus import check_device
from automl.training.device import choose_device, choose_precision, compute_in, describe, is_out_of_memory
from automl.training.device_name import check_device_name

CPU = torch.device("cpu")
needs_bfloat16 = pytest.mark.skipif(
    not torch.cpu.get_capabilities().get("avx512_bf16"), reason="this CPU has no avx512_bf16 instructions"
)
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use the GPU of this machine")


@needs_bfloat16
def test_cpu_with_bfloat16_instructions_uses_them_for_all_but_tiny_images() -> None:
    assert choose_precision(CPU, (1, 48, 48)) == "bfloat16"
    assert choose_precision(CPU, (1, 16, 16)) == "bfloat16"
    assert choose_precision(CPU, (3, 8, 8)) == "float32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_cuda_precision_follows_compute_capability() -> None:
    device = choose_device()
    expected = "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float16"
    assert device.type == "cuda"
    assert choose_precision(device, (1, 8, 8)) == expected


def test_network_computes_in_the_precision_and_keeps_float32_weights() -> None:
    layer, images = torch.nn.Linear(4, 4), torch.ones(2, 4)
    with compute_in("bfloat16", CPU):
        assert layer(images).dtype == torch.bfloat16
    with compute_in("float32", CPU):
        assert layer(images).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_first_line_names_device_and_precision() -> None:
    assert re.fullmatch(r"cpu, .+, \d+ threads?, bfloat16", describe(CPU, "bfloat16"))


@without_cuda
def test_device_that_is_not_there_is_refused() -> None:
    sentence = (
        f"Cannot compute on device 'cuda:0': torch {torch.__version__} finds no GPU here. "
        "Use auto, cpu, cuda or cuda:0."
    )
    for refuse in (choose_device, check_device):
        with pytest.raises(TrainingError, match=f"^{re.escape(sentence)}$"):
            refuse("cuda:0")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gpu", "there is none of this name (did you mean 'cuda'?)"),
        ("cudaa", "there is none of this name (did you mean 'cuda'?)"),
        ("CPU", "there is none of this name (did you mean 'cpu'?)"),
        ("meta", "there is none of this name"),
        ("cuda:-1", "there is none of this name (did you mean 'cuda'?)"),
        ("", "there is none of this name"),
    ],
)
def test_device_without_meaning_is_refused(name: str, reason: str) -> None:
    sentence = f"Cannot compute on device {name!r}: {reason}. Use auto, cpu, cuda or cuda:0."
    for refuse in (choose_device, check_device):
        with pytest.raises(TrainingError, match=f"^{re.escape(sentence)}$"):
            refuse(name)


def test_device_of_another_kind_of_computer_is_refused_in_one_sentence() -> None:
    sentence = "Cannot compute on device 'mps': only Macs have it. Use auto, cpu, cuda or cuda:0."
    with pytest.raises(TrainingError, match=f"^{re.escape(sentence)}$"):
        check_device_name("mps", platform="linux")
    check_device_name("mps", platform="darwin")


@pytest.mark.skipif(torch.xpu.is_available(), reason="torch can use a GPU of Intel's here")
def test_what_torch_says_of_a_missing_device_is_cut_to_its_first_sentence() -> None:
    with pytest.raises(TrainingError) as refused:
        choose_device("xpu")
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("device", ["cudaa", "gpu:0"])
@pytest.mark.parametrize(
    "command",
    ["search --data digits", "check --data digits", "confirm", "worker", "train r.yaml", "predict m.pt a.png"],
)
def test_every_command_refuses_it_before_anything_is_made(
    command: str, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "--device", device]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"automl: Cannot compute on device {device!r}: there is none of this name")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@without_cuda
@pytest.mark.parametrize("there", [True, False])
def test_idle_gpu_is_a_warning(tmp_path: Path, *, there: bool) -> None:
    """In a process of its own: what an installed driver looks like is `nvidia-smi` on the path."""
    if there:
        (tmp_path / "nvidia-smi").touch(mode=0o755)
    code = "from automl.training.device import choose_device; print(choose_device())"
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "cpu\n"
    assert ("UnusedGpuWarning: Computing on the CPU: this machine has an NVIDIA GPU" in done.stderr) == there


def test_lack_of_memory_is_known_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as host:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(host.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
