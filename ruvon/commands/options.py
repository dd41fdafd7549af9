"""Part 1 · Options that several commands share, so that they read the same everywhere."""

import typer

MODEL = typer.Option(
    "story", "--model", "-m", help="A model that ships, a folder, or a Hub id such as gpt2."
)
DEVICE = typer.Option("auto", "--device", help="auto, cpu, cuda, cuda:1, mps.")
DTYPE = typer.Option(
    None,
    "--dtype",
    help="float32, float16, bfloat16. By default bfloat16 where the device computes it.",
)
LINEAR = typer.Option(  # part 3
    None, "--linear", help="dense, packed or native weights. By default what is fast here."
)
THREADS = typer.Option(  # part 3
    None, "--threads", min=1, help="Threads to compute with. One a core by default."
)
