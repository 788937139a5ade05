"""Reviewers as a part of a load test: where a deployment is reviewed by people, they work at its desks over HTTP."""
