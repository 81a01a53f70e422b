"""What TensorFlow raises, in one line for the person who typed the command."""

import tensorflow as tf

from support.errors import one_line


def failure(error: BaseException) -> str:
    """What failed, in the words of the library; of memory, also what would need less."""
    said = one_line(error)
    full_disk = "No space left" in said  # TensorFlow has one kind of error for both
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) and not full_disk:
        advice = "give a smaller --batch_size, or smaller --output_height and --output_width"
        return f"out of memory: {advice} ({said})"
    return said
