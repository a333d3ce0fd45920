"""The language server: findings in editors as the code is typed.

``server`` speaks the protocol and ``checking`` decides what is checked when. The work itself is done in a process of its
own, ``analyst``, which ``process`` starts and asks, so that the server answers at once whatever is being analysed.
"""
