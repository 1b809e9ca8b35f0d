// Trains a network from C++, watches it, saves it, and uses the file without the trainer.
//
//   c++ -std=c++17 trainer.cpp $(pkg-config --cflags --libs altmin) -o trainer
#include "altmin.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>

namespace {

// Points of three arms of a spiral, which no line separates.
struct spiral {
    std::vector<float> x;
    std::vector<std::int32_t> labels;

    spiral(std::size_t samples, unsigned seed)
    {
        std::mt19937 numbers(seed);
        const auto uniform = [&] { return static_cast<float>(numbers()) / static_cast<float>(std::mt19937::max()); };
        for (std::size_t j = 0; j < samples; ++j) {
            const auto arm = static_cast<std::int32_t>(j % 3);
            const float radius = uniform();
            const float angle = 4.0f * radius + 2.0944f * static_cast<float>(arm) + 0.2f * (uniform() - 0.5f);
            x.push_back(2.0f * radius * std::cos(angle));
            x.push_back(2.0f * radius * std::sin(angle));
            labels.push_back(arm);
        }
    }

    // Features x samples: the points lie one after the other.
    altmin::matrix_view<const float> points() const { return {x.data(), 2, labels.size()}; }
};

void train(const std::string &path)
{
    const spiral training(900, 1), test(300, 2);

    const std::size_t hidden[] = {64, 64};
    altmin::settings settings;
    settings.method = ALTMIN_METHOD_PROXPROP;
    settings.hidden = hidden;
    settings.hidden_count = 2;
    settings.threads = 1;

    altmin::trainer<float> trainer(settings);
    trainer.set_data(training.points(), training.labels);
    trainer.set_test_data(test.points(), test.labels);

    trainer.observe([](const altmin_metrics &metrics) {
        if (metrics.sweep % 20 == 0)
            std::printf("sweep %3zu   loss %.4f   test accuracy %.3f\n", metrics.sweep, metrics.loss,
                        metrics.test_accuracy);
        return metrics.test_accuracy >= 0.98;
    });
    const altmin_outcome outcome = trainer.step(200);
    const altmin::score score = trainer.evaluate(test.points(), test.labels);
    std::printf("%s after %zu sweeps: test accuracy %.3f\n",
                outcome == ALTMIN_OUTCOME_STOPPED ? "stopped by the observer" : "done", trainer.info().sweeps,
                score.accuracy);
    if (score.accuracy < 0.9)
        throw std::runtime_error("the network has not learnt the spiral");

    trainer.save(path);
    const altmin::model<float> model(path);
    if (model.classify(test.points()) != trainer.classify(test.points()))
        throw std::runtime_error("the file does not say what the trainer says");
    std::printf("the file has %zu weights and biases\n", model.info().parameters);
}

}  // namespace

int main()
{
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    const std::string path = (folder / ("altmin-spiral-" + std::to_string(std::random_device{}()) + ".safetensors")).string();
    int code = 0;
    try {
        train(path);
    } catch (const altmin::error &error) {
        std::fprintf(stderr, "altmin: %s (status %d)\n", error.what(), static_cast<int>(error.status()));
        code = 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        code = 1;
    }
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return code;
}
