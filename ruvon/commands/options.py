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
TEMPERATURE = typer.Option(  # part 5
    0.8, "--temperature", "-t", help="0 takes the likeliest token; above 1 is wilder."
)
TOP_K = typer.Option(  # part 5
    0, "--top-k", help="Draw from this many of the likeliest tokens; 0: from all."
)
TOP_P = typer.Option(  # part 5
    1.0, "--top-p", help="Draw from the likeliest tokens with this sum of probability."
)
MIN_P = typer.Option(  # part 5
    0.0, "--min-p", help="Draw from tokens with this share of the likeliest one's probability."
)
SEED = typer.Option(None, "--seed", help="The same seed draws the same text.")  # part 5
THREADS = typer.Option(  # part 3
    None, "--threads", min=1, help="Threads to compute with. One a core by default."
)
