"""Synthetic populations: imaginary patients with facts that bear on calciphylaxis, and the truth about them.

Knows no clinical judgement. All numbers, codes and words are data in `content/`, each number with its source.
"""
