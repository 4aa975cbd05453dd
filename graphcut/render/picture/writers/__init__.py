"""Write a picture as DOT, SVG, Mermaid or GraphML."""
