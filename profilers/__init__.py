"""What a backbone is and costs: static counts, latency, memory. The room that imports torch and timm."""
