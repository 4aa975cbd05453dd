"""What each op carries from the gradients of its outputs to those of its inputs. Judgement, no walking."""
