"""One evaluation of synthesized speech: plan, stages, metrics, statistics, tables."""
