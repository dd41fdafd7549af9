"""Part 10: texts to score. They were written for this part, so no model was trained on them."""

SENTENCE = "Once upon a time there was a dog. He liked to chase the cat."

# A beginning, and endings of it: the first one fits.
ENDINGS: list[tuple[str, list[str]]] = [
    (
        "Lily was thirsty. She filled her cup with",
        [" water.", " sand.", " a long blue road."],
    ),
    (
        "Mom said it was time for bed. Ben closed his eyes and",
        [" fell asleep.", " ate the wall.", " ran."],
    ),
    (
        "Tom fell and hurt his knee. He began to",
        [" cry, and his mom gave him a big hug.", " fly.", " swim."],
    ),
]

STORIES = [
    "One day, Anna went to the park with her dad. She saw a big slide and ran to it. She was "
    "scared to go down, but her dad said he would catch her. Anna closed her eyes and went down "
    "very fast. Her dad caught her and they both laughed. Anna wanted to do it again and again.",
    "There was once a small green frog who lived by a pond. He could not jump as far as his "
    "friends, and they laughed at him. Every day the frog jumped a little more. When the rain "
    "came and the pond was very big, only he could jump over it. His friends said they were "
    "sorry.",
    "Ben had a blue kite. The wind was strong, and the kite flew high over the trees. Then the "
    "string broke and the kite was gone. Ben was sad. A nice old man found it in his garden and "
    "gave it back. Ben thanked him and they had a cookie.",
    "It was a cold day and the snow was deep. Sue and her brother made a snowman. They gave him "
    "a hat and a long red scarf. At night the snowman looked at the moon. In the morning the "
    "sun was warm, and only the hat was there. Sue said they would make a new one.",
    "A little mouse lived under the floor of a big house. She was hungry, so she went to the "
    "kitchen to find some cheese. The cat was asleep on the chair. The mouse walked very "
    "quietly, took the cheese and ran home. She shared it with all her sisters.",
    "Max and Tim both wanted the red car. They pulled and pulled until the car broke. Max began "
    "to cry. Their mom said that they must share, or there would be no toys at all. The boys "
    "fixed the car with glue. Then they took turns and were friends again.",
]
